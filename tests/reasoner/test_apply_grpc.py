"""Edits by a real server over a real socket give the same results as in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from applier.pipeline import Applier
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.types import EditFormat, EditRequest
from reasoner.apply import connect
from reasoner.apply_grpc import GrpcApplier
from reasoner.errors import RequestRejected, Unreachable

REQUESTS = [
    EditRequest(b"a = 1\r\n", b"<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n", "x.py"),
    EditRequest(b"a\nb\na\n", b"<<<<<<< SEARCH\na\n=======\nc\n>>>>>>> REPLACE\n", "x.py"),
    EditRequest(b"a\n", b"@@ nonsense", "x.py", format=EditFormat.UNIFIED_DIFF),
]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_the_server_gives_the_same_results() -> None:
    async def work() -> None:
        applier = Applier.without_model()
        config = ServerConfig(port=free_port(), grace_seconds=0)
        async with running_server(config, lambda: applier) as server:
            client = connect(f"grpc://{server.target}")
            for request in REQUESTS:
                there, here = await client.apply(request), applier.apply(request)
                assert dataclasses.replace(there, timing=here.timing) == here
            assert await client.fingerprint() == applier.fingerprint()
            with pytest.raises(RequestRejected, match="INVALID_ARGUMENT"):
                await client.apply(EditRequest(b"a\n", b"b\n", "x.py", expected_sha256="0"))
            with pytest.raises(RequestRejected, match="FAILED_PRECONDITION"):
                await client.apply(EditRequest(b"a\n", b"b\n", "x.py", expected_sha256="0" * 64))
            await client.aclose()

    asyncio.run(work())


def test_no_server_is_unreachable() -> None:
    async def work() -> None:
        client = GrpcApplier(f"grpc://127.0.0.1:{free_port()}", timeout=2)
        with pytest.raises(Unreachable, match=r"UNAVAILABLE|DEADLINE_EXCEEDED"):
            await client.fingerprint()
        await client.aclose()

    asyncio.run(work())
