"""The processes, seen from the one with the model."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path

from applier.merge.model_info import ModelInfo, ModelNotFoundError
from applier.merge.prompt import PromptCodec
from applier.merge.result import DecodeError, Merge
from applier.processes.messages import Begin, Drop, GoOn, Reply, Setup, dumps, loads
from applier.types import EditRequest


class ProcessDied(RuntimeError):
    """The process that had the request is gone."""


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

    def __init__(self, setup: bytes, codec: PromptCodec) -> None:
        self._codec = codec
        self._asked: dict[int, Future[Reply]] = {}
        self._lock = threading.Lock()
        self.alive = True
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
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, message: Begin | GoOn) -> Future[Reply]:
        """Sends a message; the answer, or ProcessDied."""
        reply: Future[Reply] = Future()
        data = dumps(message)
        try:
            with self._lock:
                if not self.alive:
                    raise ProcessDied
                self._asked[message.number] = reply
                self._connection.send_bytes(data)
        except (OSError, ProcessDied):
            self._end()
            if not reply.done():
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
                reply: Reply = loads(self._connection.recv_bytes(), self._codec)
                asked = self._asked.pop(reply.number, None)
                if asked is not None:
                    asked.set_result(reply)
        except (EOFError, OSError):
            self._end()
            with self._lock:
                self._connection.close()
            self._process.wait()

    def _end(self) -> None:
        self.alive = False
        for number in list(self._asked):
            asked = self._asked.pop(number, None)
            if asked is not None:
                asked.set_exception(ProcessDied())


class Pool:
    """So many processes for one model. One that died is replaced when the next request comes."""

    def __init__(self, info: ModelInfo, codec: PromptCodec, max_positions: int, count: int) -> None:
        """Raises ModelNotFoundError where the model's folder has no tokenizer."""
        try:
            tokenizer = (info.folder / "tokenizer.json").read_text("utf-8")
        except OSError as error:
            raise ModelNotFoundError(f"{info.folder} has no tokenizer.json") from error
        setup = dumps(Setup(info, tokenizer, max_positions, info.fingerprint()))
        self._make: Callable[[], Process] = lambda: Process(setup, codec)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.processes = [self._make() for _ in range(count)]

    def begin(self, request: EditRequest) -> Call:
        """Sends a request to the process that owes the fewest answers."""
        with self._lock:
            for at, process in enumerate(self.processes):
                if not process.alive:
                    self.processes[at] = self._make()
            chosen = min(self.processes, key=lambda process: process.busy)
            number = next(self._numbers)
        return Call(chosen, number, request)

    def close(self) -> None:
        """Ends the processes; requests in them get ProcessDied."""
        with self._lock:
            for process in self.processes:
                process.close()
