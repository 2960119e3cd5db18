"""A process that runs requests except for their merges: `python -m applier.processes.worker FD`."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection

from applier.engine.engine import Engine
from applier.merge.model_info import ModelInfo
from applier.merge.order import MergeOrder
from applier.merge.prompt import PromptCodec
from applier.merge.result import DecodeError, Merge
from applier.plan import MergePlan
from applier.processes.messages import Begin, Done, Drop, Failed, GoOn, Orders, Reply, Setup, dumps, loads
from applier.request import Run, Steps


class OrderingEngine(Engine):
    """An engine without a model: the merge of a plan is just its order."""

    def __init__(self, codec: PromptCodec, max_positions: int) -> None:
        self.codec, self._max_positions = codec, max_positions

    @property
    def max_positions(self) -> int:
        """That of the model elsewhere."""
        return self._max_positions

    def task(self, plan: MergePlan | MergeOrder, hash_logits: bool = False) -> MergeOrder:  # type: ignore[override]
        """What is sent to the model."""
        return plan.order(self.codec)


@dataclass(frozen=True)
class Owner:
    """What a `Run` needs to know."""

    info: ModelInfo
    engine: Engine
    stated_fingerprint: str

    def fingerprint(self) -> str:
        """That of the process with the model."""
        return self.stated_fingerprint


class Worker:
    """Requests in work, by number."""

    def __init__(self, setup: Setup) -> None:
        codec = PromptCodec(setup.tokenizer, setup.info.template)
        self._owner = Owner(setup.info, OrderingEngine(codec, setup.max_positions), setup.fingerprint)
        self._runs: dict[int, tuple[Run, Steps]] = {}

    def answer(self, message: Begin | GoOn | Drop) -> Reply | None:
        """Runs a request up to its next answer."""
        if isinstance(message, Drop):
            self._runs.pop(message.number, None)
            return None
        if isinstance(message, Begin):
            run = Run(message.request, self._owner)
            self._runs[message.number] = run, run.steps()
            merged: list[Merge | DecodeError] | None = None
        else:
            merged = message.merged
        if message.number not in self._runs:
            return None  # dropped before
        run, steps = self._runs[message.number]
        try:
            orders: list[MergeOrder] = steps.send(merged)  # type: ignore[assignment]
            return Orders(message.number, orders)
        except StopIteration as stop:
            del self._runs[message.number]
            return Done(message.number, stop.value, tuple(run.merges), run.signals)
        except Exception:
            del self._runs[message.number]
            return Failed(message.number)


def serve(connection: Connection) -> None:
    """Answers until the other side is gone. What the model wrote takes precedence over new requests."""
    worker = Worker(loads(connection.recv_bytes()))
    waiting: deque[Begin | GoOn | Drop] = deque()
    while True:
        while not waiting or connection.poll():
            message = loads(connection.recv_bytes())
            if isinstance(message, Begin):
                waiting.append(message)
            else:
                waiting.appendleft(message)
        reply = worker.answer(waiting.popleft())
        if reply is not None:
            connection.send_bytes(dumps(reply))


def main() -> None:
    """The process's only job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process with the model, which ends this
    with contextlib.suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
