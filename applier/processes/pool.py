"""The processes, seen from the one with the model."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path

from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptCodec
from applier.merge.result import DecodeError, Merge
from applier.processes.messages import (
    Begin,
    Drop,
    Dropped,
    GoOn,
    Notice,
    Ready,
    Reply,
    Setup,
    Started,
    dumps,
    loads,
)
from applier.types import EditRequest, Unanswerable


class ProcessDied(RuntimeError):
    """The process that had the request is gone, and not because of the request."""


# What ends a process because of what it works on. SIGPROF is the limit of processor time.
_OWN_DEATHS = frozenset(
    {
        signal.SIGPROF,
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGABRT,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGSYS,
    }
)
_STUCK_SECONDS = 0.2  # in work for longer, and others go elsewhere


class Call:
    """One request in a process. `reply` is the next answer of it."""

    def __init__(self, process: Process, number: int, request: EditRequest) -> None:
        self._process, self._number = process, number
        self.reply: Future[Reply] = process.ask(Begin(number, request))

    def go_on(self, merged: list[Merge | DecodeError]) -> None:
        """Hands in what the model wrote."""
        self.reply = self._process.ask(GoOn(self._number, merged))

    def drop(self) -> None:
        """Forgets the request."""
        self._process.drop(self._number)


class Process:
    """One process, with a thread that takes its answers."""

    def __init__(self, setup: bytes, codec: PromptCodec | None) -> None:
        self._codec = codec
        self._asked: dict[int, Future[Reply]] = {}
        self._lock = threading.Lock()
        self._in_work: int | None = None
        self._since = 0.0
        self.alive = True
        self.begun = threading.Event()  # it has, or never will
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).parents[2])
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "applier.processes.worker", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        self._connection = Connection(ours.detach())
        self._connection.send_bytes(setup)
        threading.Thread(target=self._take, name="samebytes-process", daemon=True).start()

    @property
    def busy(self) -> int:
        """Answers that it owes."""
        return len(self._asked)

    @property
    def stuck(self) -> bool:
        """Whether it has been at one piece of work for long."""
        return self._in_work is not None and time.monotonic() - self._since > _STUCK_SECONDS

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, message: Begin | GoOn) -> Future[Reply]:
        """Sends a message; the answer, Unanswerable where the process dies of it, or ProcessDied."""
        reply: Future[Reply] = Future()
        data = dumps(message)
        with self._lock:
            if self.alive:
                self._asked[message.number] = reply
                with contextlib.suppress(OSError):  # it is gone: the thread that reads says so
                    self._connection.send_bytes(data)
                return reply
        reply.set_exception(ProcessDied())
        return reply

    def drop(self, number: int) -> None:
        """Forgets a request."""
        with self._lock:
            self._asked.pop(number, None)
            if self.alive:
                with contextlib.suppress(OSError):  # it is gone: the thread that reads says so
                    self._connection.send_bytes(dumps(Drop(number)))

    def close(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait()

    def _take(self) -> None:
        try:
            while True:
                message: Reply | Notice = loads(self._connection.recv_bytes(), self._codec)
                if isinstance(message, Started):
                    self._since, self._in_work = time.monotonic(), message.number
                    continue
                self.begun.set()
                self._in_work = None
                asked = self._asked.pop(message.number, None)
                if asked is not None and not isinstance(message, Ready | Dropped):
                    asked.set_result(message)
        except (EOFError, OSError):
            self._end(self._process.wait())

    def _end(self, status: int) -> None:
        self.begun.set()
        with self._lock:
            self.alive = False
            self._connection.close()
            asked, self._asked = self._asked, {}
        for number, reply in asked.items():
            its_own = number == self._in_work and -status in _OWN_DEATHS
            reply.set_exception(Unanswerable.of(-status) if its_own else ProcessDied())


class Pool:
    """So many processes for one model, or for none. One that died is replaced when the next request comes,
    and while some are stuck, as many are added.
    """

    def __init__(
        self,
        info: ModelInfo | None,
        codec: PromptCodec | None,
        max_positions: int,
        count: int,
        fingerprint: str,
    ) -> None:
        tokenizer = codec.spec if codec is not None else ""
        setup = dumps(Setup(info, tokenizer, max_positions, fingerprint))
        self._make: Callable[[], Process] = lambda: Process(setup, codec)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._count = count
        self.processes = [self._make() for _ in range(count)]

    def begin(self, request: EditRequest) -> Call:
        """Sends a request to the process that owes the fewest answers, of those that have begun and are not
        stuck.
        """
        with self._lock:
            self.processes = [process for process in self.processes if process.alive]
            stuck = sum(process.stuck for process in self.processes)
            for _ in range(min(self._count + stuck, 2 * self._count) - len(self.processes)):
                self.processes.append(self._make())
            chosen = min(
                self.processes, key=lambda process: (process.stuck, not process.begun.is_set(), process.busy)
            )
            number = next(self._numbers)
        return Call(chosen, number, request)

    def wait(self) -> None:
        """Returns when the processes have begun."""
        for process in self.processes:
            process.begun.wait()

    def close(self) -> None:
        """Ends the processes; requests in them get ProcessDied."""
        with self._lock:
            for process in self.processes:
                process.close()
