"""Servers with a known fault, on the loopback interface: the controls that an audit must get right.

Each speaks OpenAI's chat completions and makes up its answers from hashes, so that a sound one is exactly
deterministic.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_WORDS = (
    "the",
    "queue",
    "holds",
    "a",
    "file",
    "and",
    "then",
    "edit",
    "moves",
    "its",
    "line",
    "by",
    "one",
    "byte",
)


class Fault(StrEnum):
    """What is wrong with the server."""

    NONE = "none"
    DROPS_SEEDS = "drops_seeds"  # samples from the clock, whatever the seed
    FLIPS_TOKENS = "flips_tokens"  # one token in 200, at any time
    ROTATES_FINGERPRINT = "rotates_fingerprint"  # another fingerprint and other answers from midway on
    REORDERS = "reorders"  # replies of requests in flight together are swapped
    BATCH_DEPENDENT = "batch_dependent"  # the answer depends on how many are in flight
    CACHE_DEPENDENT = "cache_dependent"  # the first answer to a prompt differs from the later ones


class FaultyServer:
    """The state behind one loopback server; the fingerprint changes after `rotate_after` requests."""

    def __init__(self, fault: Fault, tokens: int = 60, rotate_after: int = 170, noise: int = 7) -> None:
        self.fault = fault
        self.tokens = tokens
        self.rotate_after = rotate_after
        self._noise = random.Random(noise)
        self._unseeded = random.SystemRandom()
        self._lock = threading.Lock()
        self._gathered = threading.Condition(self._lock)
        self._in_flight = 0
        self._served = 0
        self._seen: set[str] = set()
        self._pool: list[tuple[int, dict[str, Any]]] = []

    def _text(self, prompt: str, salt: str) -> str:
        state = hashlib.sha256(f"{salt}|{prompt}".encode()).digest()
        words: list[str] = []
        for _ in range(self.tokens):
            word = _WORDS[state[0] % len(_WORDS)]
            if self.fault is Fault.FLIPS_TOKENS and self._noise.randrange(200) == 0:
                word = "flipped"
            words.append(word)
            state = hashlib.sha256(state + word.encode()).digest()
        return " ".join(words)

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """The completion of one request."""
        prompt = body["messages"][-1]["content"]
        with self._lock:
            self._in_flight += 1
            self._served += 1
            served = self._served
        if self.fault in (Fault.BATCH_DEPENDENT, Fault.REORDERS):
            time.sleep(0.02)  # long enough for requests sent together to be in flight together
        with self._lock:
            salt = "greedy"
            if body.get("temperature", 1.0) > 0:
                seed = self._unseeded.random() if self.fault is Fault.DROPS_SEEDS else body.get("seed")
                salt = f"sampled {seed}"
            fingerprint = "fp_one"
            if self.fault is Fault.ROTATES_FINGERPRINT and served > self.rotate_after:
                fingerprint = "fp_two"
                salt += " two"
            if self.fault is Fault.BATCH_DEPENDENT and self._in_flight > 2:
                salt += " many"
            if self.fault is Fault.CACHE_DEPENDENT:
                salt += " warm" if prompt in self._seen else " cold"
                self._seen.add(prompt)
            completion = {
                "id": f"chatcmpl-{served}",
                "object": "chat.completion",
                "created": 0,
                "model": body.get("model", "loopback"),
                "system_fingerprint": fingerprint,
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "length",
                        "message": {"role": "assistant", "content": self._text(prompt, salt)},
                    }
                ],
            }
        if self.fault is Fault.REORDERS:
            completion = self._swapped(served, completion)
        with self._lock:
            self._in_flight -= 1
        return completion

    def _swapped(self, served: int, completion: dict[str, Any]) -> dict[str, Any]:
        """Wait for the others in flight, then take the answer of the next request in place of this one's."""
        with self._gathered:
            self._pool.append((served, completion))
            self._gathered.notify_all()
            self._gathered.wait_for(lambda: len(self._pool) >= self._in_flight, timeout=1)
            ranked = sorted(self._pool)
            place = [number for number, _ in ranked].index(served)
            taken = ranked[(place + 1) % len(ranked)][1]
        time.sleep(0.02)  # until all of them have looked
        with self._gathered:
            self._pool = [entry for entry in self._pool if entry[0] != served]
        return taken


@contextmanager
def serve(server: FaultyServer) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = json.dumps(server.answer(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep requests off stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}/v1"
        finally:
            http.shutdown()
            thread.join()
