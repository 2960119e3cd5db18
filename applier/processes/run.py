"""A request that runs in a process of the pool: `request.Run` as the pipeline sees it."""

from __future__ import annotations

from collections.abc import Sequence

from ..cancellation import check_cancelled
from ..merge.confidence import Signal
from ..merge.result import DecodeError, Merge
from ..request import Owner, Run, Steps
from ..types import EditRequest, Unanswerable
from .messages import Failed, Orders, Reply
from .pool import Pool, ProcessDied

_TRIES = 3
_LOOK_SECONDS = 0.05  # between two looks at whether a waiting call was cancelled


class RemoteRun:
    """The request is on its way as soon as this is made. As `Run`; where the process dies, and not of this
    request, it is sent to another.
    """

    here = False

    def __init__(self, request: EditRequest, owner: Owner, hash_logits: bool, pool: Pool) -> None:
        self._request, self._owner, self._hash_logits, self._pool = request, owner, hash_logits, pool
        self.merges: Sequence[Merge] = ()
        self.signals: tuple[Signal, ...] = ()
        self._call = pool.begin(request)

    def hand_in(self, merged: list[Merge | DecodeError]) -> None:
        """Sends what the model wrote, so that the process goes on even before `steps` is sent it."""
        self._call.go_on(merged)

    def steps(self) -> Steps:
        """As `Run.steps`, with merges handed in first. Raises Unanswerable and Cancelled."""
        for _ in range(_TRIES):
            finished = False
            try:
                reply = self._reply()
                if isinstance(reply, Orders):
                    engine = self._owner.engine
                    assert engine is not None
                    yield [engine.task(order, self._hash_logits) for order in reply.orders]
                    reply = self._reply()
                finished = True
                if isinstance(reply, Failed):
                    return (yield from self._here())
                assert not isinstance(reply, Orders)
                self.merges, self.signals = reply.merges, reply.signals
                return reply.result
            except ProcessDied:
                finished = True
                self._call = self._pool.begin(self._request)
            except Unanswerable:
                finished = True
                raise
            finally:
                if not finished:
                    self._call.drop()
        self._call.drop()
        raise ProcessDied("the processes that had this edit died, one after the other")

    def _reply(self) -> Reply:
        while True:
            try:
                return self._call.reply.result(_LOOK_SECONDS)
            except TimeoutError:
                check_cancelled()

    def _here(self) -> Steps:
        """A bug of the program is seen where it is logged."""
        run = Run(self._request, self._owner, self._hash_logits)
        self.hand_in = lambda merged: None  # type: ignore[method-assign]
        result = yield from run.steps()
        self.merges, self.signals = run.merges, run.signals
        return result
