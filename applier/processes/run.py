"""A request that runs in a process of the pool: `request.Run` as the pipeline sees it."""

from __future__ import annotations

from collections.abc import Sequence

from ..merge.confidence import Signal
from ..merge.result import DecodeError, Merge
from ..request import Owner, Run, Steps
from ..types import EditRequest
from .messages import Failed, Orders
from .pool import Pool, ProcessDied

LARGEST = 1 << 20  # bytes of a file that is worth sending


class RemoteRun:
    """The request is on its way as soon as this is made. As `Run`; where the process dies, it runs here."""

    here = False

    def __init__(self, request: EditRequest, owner: Owner, hash_logits: bool, pool: Pool) -> None:
        self._request, self._owner, self._hash_logits = request, owner, hash_logits
        self.merges: Sequence[Merge] = ()
        self.signals: tuple[Signal, ...] = ()
        self._call = pool.begin(request)
        self._handed_in = False

    def hand_in(self, merged: list[Merge | DecodeError]) -> None:
        """Sends what the model wrote, so that the process goes on even before `steps` is sent it."""
        self._call.go_on(merged)

    def steps(self) -> Steps:
        """As `Run.steps`, with merges handed in first."""
        finished = False
        try:
            reply = self._call.reply.result()
            if isinstance(reply, Orders):
                engine = self._owner.engine
                assert engine is not None
                yield [engine.task(order, self._hash_logits) for order in reply.orders]
                reply = self._call.reply.result()
            finished = True
            if isinstance(reply, Failed):
                raise ProcessDied
            assert not isinstance(reply, Orders)
            self.merges, self.signals = reply.merges, reply.signals
            return reply.result
        except ProcessDied:
            finished = True
            return (yield from self._again())
        finally:
            if not finished:
                self._call.drop()

    def _again(self) -> Steps:
        run = Run(self._request, self._owner, self._hash_logits)
        self.hand_in = lambda merged: None  # type: ignore[method-assign]
        result = yield from run.steps()
        self.merges, self.signals = run.merges, run.signals
        return result
