"""A process that runs requests but for their merges: `python -m applier.processes.worker FD`.

A parser can take minutes for a few hundred bytes, with the interpreter's lock held and nothing that could
stop it from within. So every piece of work has a limit of processor time, which the system keeps: it ends the
process.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from applier.cancellation import Cancelled, CancelToken, cancel_scope
from applier.merge.model_info import ModelInfo
from applier.merge.order import MergeOrder
from applier.merge.prompt import PromptCodec
from applier.merge.result import DecodeError, Merge
from applier.plan import MergePlan
from applier.processes.messages import (
    Begin,
    Done,
    Drop,
    Dropped,
    Failed,
    GoOn,
    Orders,
    Ready,
    Reply,
    Setup,
    Started,
    dumps,
    loads,
)
from applier.request import Run, Steps

# Seconds of processor time for one piece of work, and more for each byte of file and edit. What is written by
# people and models takes a hundredth of it.
LIMIT_SECONDS, SECONDS_PER_BYTE = 3.0, 1e-6


class OrderingEngine:
    """Has no model: the merge of a plan is what it orders."""

    def __init__(self, codec: PromptCodec, max_positions: int) -> None:
        self.codec, self.max_positions = codec, max_positions

    def task(self, plan: MergePlan, hash_logits: bool = False) -> MergeOrder:
        """What is sent to the model."""
        return plan.order(self.codec)


@dataclass(frozen=True)
class Owner:
    """What a `Run` needs to know."""

    info: ModelInfo | None
    engine: OrderingEngine | None
    stated_fingerprint: str

    def fingerprint(self) -> str:
        """That of the process with the model."""
        return self.stated_fingerprint


class Worker:
    """Requests in work, by number."""

    def __init__(self, setup: Setup) -> None:
        engine = None
        if setup.info is not None:
            engine = OrderingEngine(PromptCodec(setup.tokenizer, setup.info.template), setup.max_positions)
        self._owner = Owner(setup.info, engine, setup.fingerprint)
        self._runs: dict[int, tuple[Run, Steps]] = {}
        self._dropped = deque[int](maxlen=1 << 12)  # a request may come after the word that it was dropped

    def drop(self, number: int) -> None:
        """Forgets a request."""
        self._dropped.append(number)
        self._runs.pop(number, None)

    def answer(self, message: Begin | GoOn) -> Reply | None:
        """Runs a request up to its next answer; None for one that was dropped. Raises Cancelled."""
        if message.number in self._dropped:
            return None
        if isinstance(message, Begin):
            run = Run(message.request, self._owner)  # type: ignore[arg-type]
            self._runs[message.number] = run, run.steps()
            merged: list[Merge | DecodeError] | None = None
        else:
            merged = message.merged
        run, steps = self._runs[message.number]
        try:
            with _limited(run):
                orders: Sequence[MergeOrder] = steps.send(merged)  # type: ignore[assignment]
            return Orders(message.number, list(orders))
        except StopIteration as stop:
            del self._runs[message.number]
            return Done(message.number, stop.value, tuple(run.merges), run.signals)
        except Cancelled:
            del self._runs[message.number]
            raise
        except Exception:
            del self._runs[message.number]
            return Failed(message.number)


@contextlib.contextmanager
def _limited(run: Run) -> Iterator[None]:
    """The process ends (SIGPROF) where the work in the block takes more than its processor time."""
    size = len(run.request.original) + len(run.request.edit)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS + size * SECONDS_PER_BYTE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Inbox:
    """What was sent and is not worked on yet. What the model wrote goes before new requests, and the work on
    a request that is dropped stops.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[Begin | GoOn | Drop | None] = deque()
        self._some = threading.Condition()
        self._number, self._token = -1, CancelToken()  # of what is in work
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        message: Begin | GoOn | Drop | None
        try:
            while True:
                message = loads(self._connection.recv_bytes())
                self._put(message)
        except (EOFError, OSError):
            self._token.cancel()
            self._put(None)

    def _put(self, message: Begin | GoOn | Drop | None) -> None:
        with self._some:
            if isinstance(message, Begin):
                self._waiting.append(message)
            else:
                self._waiting.appendleft(message)
            if isinstance(message, Drop) and message.number == self._number:
                self._token.cancel()
            self._some.notify()

    def next(self) -> tuple[Begin | GoOn | Drop, CancelToken]:
        """The next message, and what tells whether its request is dropped.

        Raises EOFError when the other side is gone.
        """
        with self._some:
            self._some.wait_for(lambda: self._waiting)
            message = self._waiting.popleft()
            if message is None:
                raise EOFError
            self._number, self._token = message.number, CancelToken()
            return message, self._token


def serve(connection: Connection) -> None:
    """Answers until the other side is gone."""
    worker = Worker(loads(connection.recv_bytes()))
    inbox = Inbox(connection)
    connection.send_bytes(dumps(Ready()))
    while True:
        message, token = inbox.next()
        if isinstance(message, Drop):
            worker.drop(message.number)
            continue
        connection.send_bytes(dumps(Started(message.number)))
        try:
            with cancel_scope(token):
                reply = worker.answer(message)
        except Cancelled:
            reply = None
        connection.send_bytes(dumps(reply or Dropped(message.number)))


def main() -> None:
    """The process's only job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process with the model, which ends this
    with contextlib.suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
