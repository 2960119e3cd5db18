"""A loopback HTTP server for documented wire formats: it records what it gets and answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. Header names are lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What to answer: a JSON body, or lines of a stream that are sent one by one."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterable[str] | None = None
    content_type: str = "application/json"


Answer = Callable[[Seen], Reply]


class WireServer:
    """Serves one `answer` function on a free port of the loopback interface."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(path, query, headers, json.loads(self.rfile.read(length) or b"{}"))
                server.seen.append(seen)
                self.reply(server.answer(seen))

            def reply(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.stream is None:
                    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                    self.send_header("content-type", reply.content_type)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                self.send_header("content-type", reply.content_type)
                self.send_header("connection", "close")
                self.end_headers()
                for line in reply.stream:
                    self.wfile.write(line.encode())
                    self.wfile.flush()
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Silent: a test's output is pytest's."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def events(*payloads: Any, named: bool = False) -> list[str]:
    """Server-sent events; with `named`, each has its type as event name, as some providers send it."""
    lines = []
    for payload in payloads:
        name = f"event: {payload['type']}\n" if named else ""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        lines.append(f"{name}data: {text}\n\n")
    return lines
