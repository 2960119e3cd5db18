"""The typed clients against a real server: the library's results, deadlines, retries, TLS and tokens."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from concurrent.futures import Future

import pytest

from applier import Applier, AsyncClient, Client
from applier.api.clients import RejectedError, StaleOriginalError, Tls, UnreachableError
from applier.api.v1 import apply_pb2 as pb
from applier.patches.apply import apply_patch
from applier.patches.types import PatchRequest, SourceFile
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.types import EditFormat, EditOptions, EditRequest, EditResult, RefusalReason
from tests.applier.appliers import FaultyApplier
from tests.applier.patches.test_apply import FILES, V4A
from tests.applier.server.test_security import certificate

EDITS = [
    EditRequest(b"a = 1\r\n", b"<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n", "x.py"),
    EditRequest(b"a\nb\na\n", b"<<<<<<< SEARCH\na\n=======\nc\n>>>>>>> REPLACE\n", "x.py"),
    EditRequest(b"a\n", b"@@ nonsense", "x.py", format=EditFormat.UNIFIED_DIFF),
]
PATCHES = [
    PatchRequest(tuple(SourceFile(*file) for file in FILES.items()), V4A.encode(), "do it"),
    PatchRequest(
        tuple(SourceFile(*file) for file in FILES.items()),
        V4A.replace("gone.txt", "never.txt").encode(),
        options=EditOptions(allow_model=False, min_confidence=0.5),
    ),
]


@contextlib.contextmanager
def server(applier=None, **settings):
    """The address of a server that runs in a thread of its own."""
    address: Future[str] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        config = ServerConfig(port=0, grace_seconds=1, **settings)
        async with running_server(config, lambda: applier or Applier.without_model()) as running:
            address.set_result(running.target)
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        yield address.result(60)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def same(there: EditResult, here: EditResult) -> bool:
    return dataclasses.replace(there, timing=here.timing) == here


def slim(result):
    """A patch's result without what is not sent."""
    edits = [
        (path, dataclasses.replace(edit, content=b"", diff=b"", timing=None)) for path, edit in result.edits
    ]
    return dataclasses.replace(result, edits=tuple(edits))


def test_both_clients_give_the_librarys_results():
    library = Applier.without_model()
    here = [library.apply(request) for request in EDITS]

    async def asynchronous(address: str) -> None:
        async with AsyncClient(f"grpc://{address}") as client:
            for request, one in zip(EDITS, here, strict=True):
                assert same(await client.apply(request), one)
            there = [result async for result in client.apply_many(EDITS)]
            assert all(map(same, there, here))
            assert await client.fingerprint() == library.fingerprint()
            for patch in PATCHES:
                assert slim(await client.patch(patch)) == slim(apply_patch(library, patch))

    with server() as address:
        with Client(address) as client:
            assert all(same(client.apply(request), one) for request, one in zip(EDITS, here, strict=True))
            assert all(map(same, client.apply_many(EDITS), here))
            assert client.fingerprint() == library.fingerprint()
            for patch in PATCHES:
                assert slim(client.patch(patch)) == slim(apply_patch(library, patch))
        asyncio.run(asynchronous(address))


def test_errors_are_typed():
    with server() as address, Client(address) as client:
        with pytest.raises(StaleOriginalError, match="SHA-256"):
            client.apply(dataclasses.replace(EDITS[0], expected_sha256="0" * 64))
        with pytest.raises(RejectedError, match="INVALID_ARGUMENT"):
            client.apply(dataclasses.replace(EDITS[0], path="a\0"))
        with pytest.raises(StaleOriginalError):
            list(client.apply_many([EDITS[0], dataclasses.replace(EDITS[0], expected_sha256="0" * 64)]))
        with pytest.raises(RejectedError, match=r"files\[1\].path: stands twice"):
            client.patch(PatchRequest((SourceFile("a", b""),) * 2, b"x"))


def test_a_deadline_is_kept():
    applier = FaultyApplier()
    with server(applier) as address, Client(address, timeout=0.3) as client:
        with pytest.raises(UnreachableError, match="DEADLINE_EXCEEDED"):
            client.apply(dataclasses.replace(EDITS[0], instruction="sleep 60"))
        assert client.apply(EDITS[0], timeout=30).content == b"a = 2\r\n"


def test_an_overloaded_server_is_tried_again():
    applier = FaultyApplier()
    with server(applier, workers=1, max_waiting=0) as address, Client(address) as client:
        slow = threading.Thread(
            target=client.apply, args=(dataclasses.replace(EDITS[0], instruction="sleep 60"),)
        )
        slow.start()
        while not applier.started:
            pass
        threading.Timer(0.1, applier.wake.set).start()
        assert client.apply(EDITS[0]).content == b"a = 2\r\n"
        slow.join()


def test_no_server_is_unreachable():
    with Client("127.0.0.1:1", timeout=0.5) as client, pytest.raises(UnreachableError):
        client.fingerprint()
    with pytest.raises(ValueError, match="no server"):
        Client()


def test_tls_client_certificates_and_a_token(tmp_path):
    crt, key = certificate(tmp_path, "server")
    mine, my_key = certificate(tmp_path, "client")
    secret = tmp_path / "token"
    secret.write_text("sesame")
    settings = {"tls_certificate": crt, "tls_key": key, "tls_client_ca": mine, "token_file": secret}
    with server(**settings) as address:
        with Client(address, token="sesame", tls=Tls(crt, mine, my_key)) as client:
            assert client.apply(EDITS[0]).content == b"a = 2\r\n"
        with (
            Client(address, tls=Tls(crt, mine, my_key)) as client,
            pytest.raises(RejectedError, match="UNAUTH"),
        ):
            client.apply(EDITS[0])
        stranger = Client(address, token="sesame", tls=Tls(crt), timeout=1)
        with stranger as client, pytest.raises(UnreachableError):
            client.apply(EDITS[0])


def test_a_bug_in_a_patch_tells_nothing_of_the_files():
    with server(FaultyApplier()) as address, Client(address, timeout=20) as client:
        with pytest.raises(UnreachableError, match="INTERNAL: internal error") as failed:
            client.patch(dataclasses.replace(PATCHES[0], instruction="bug"))
        assert "return" not in str(failed.value)


def test_every_reason_has_a_number():
    names = {value.name.removeprefix("REFUSAL_REASON_") for value in pb.RefusalReason.DESCRIPTOR.values}
    assert names == {"UNSPECIFIED", *(reason.name for reason in RefusalReason)}
