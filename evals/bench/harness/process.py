"""`samebytes serve` as a process of its own, for benchmarks and tests that must be able to kill it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import applier

READY_SECONDS = 120.0


class ServerFailed(ChildProcessError):
    """The process ended before it served; the message is what it logged last."""


@dataclass(frozen=True)
class Served:
    """A server process that serves at `target`."""

    process: subprocess.Popen[str]
    target: str
    fingerprint: str
    events: Counter[str]  # by the name that the server logs them under, such as "edit"

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def serving(
    model: Path | None = None, options: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[Served]:
    """Start a server on a free loopback port, wait until it serves, and end it with the block.

    Raises ServerFailed.
    """
    command = [sys.executable, "-m", "applier.cli", "serve", "--port", "0", *options]
    if model is not None:
        command += ["--model", str(model)]
    root = Path(applier.__file__).parents[1]
    process = subprocess.Popen(
        command, cwd=root, env=os.environ | (environment or {}), stderr=subprocess.PIPE, text=True
    )
    alarm = threading.Timer(READY_SECONDS, process.kill)
    alarm.start()
    try:
        events = _events_until_serving(process)
        alarm.cancel()
        # A pipe that nobody reads would stop the server once it is full of logs.
        counts: Counter[str] = Counter()
        threading.Thread(target=_count, args=(process, counts), daemon=True).start()
        listening, ready = events["listening"], events["serving"]
        yield Served(process, f"{listening['host']}:{listening['port']}", str(ready["fingerprint"]), counts)
    finally:
        alarm.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def _events_until_serving(process: subprocess.Popen[str]) -> dict[str, dict[str, object]]:
    assert process.stderr is not None
    events: dict[str, dict[str, object]] = {}
    last = ""
    for line in process.stderr:
        last = line.strip()
        if line.startswith("{"):
            event = json.loads(line)
            events[event["event"]] = event
            if event["event"] == "serving":
                return events
    raise ServerFailed(f"the server did not come up: {last}")


def _count(process: subprocess.Popen[str], counts: Counter[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{"):
            counts[json.loads(line)["event"]] += 1
