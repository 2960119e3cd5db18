"""Two server processes, one of them killed under load: clients get every answer, and the same bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest

from applier import Applier, EditRequest
from applier.api.client import RetryInterceptor, channel_options, target_of
from applier.api.convert import request_to_proto
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1.apply_pb2_grpc import (
    ApplyServiceServicer,
    ApplyServiceStub,
    add_ApplyServiceServicer_to_server,
)
from evals.bench.harness.process import Served, serving
from tests.evals.small import LAZY
from tests.evals.tiny_model import write_tiny_model

PADDING = b"x = 1\n" * 60_000  # 360 kB: more than gRPC keeps by itself to send again


def requests() -> list[EditRequest]:
    """Edits for the model, and exact ones of a large file."""
    block = b"<<<<<<< SEARCH\ny = %d\n=======\nz = %d\n>>>>>>> REPLACE\n"
    exact = [
        EditRequest(original=PADDING + b"y = %d\n" % n, edit=block % (n, n), path="a.txt") for n in range(4)
    ]
    return [case.request() for case in LAZY] + exact


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[tuple[list[Served], Applier]]:
    """(two server processes, an Applier over the same model in this one)."""
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        start = [
            pool.submit(lambda: stack.enter_context(serving(folder, ["--memo-bytes", "0"]))) for _ in "ab"
        ]
        yield [future.result() for future in start], Applier.from_model_dir(folder)


def test_a_killed_server_costs_no_answer_and_changes_none(servers):
    (first, second), applier = servers
    asked = requests()
    expected = [applier.apply(request).receipt for request in asked]
    got: list[Counter[tuple[str, str]]] = [Counter() for _ in asked]

    async def main() -> None:
        target = target_of([first.target, second.target])
        async with grpc.aio.insecure_channel(target, channel_options()) as channel:
            stub = ApplyServiceStub(channel)

            killed = asyncio.Event()

            async def client(number: int) -> None:
                for turn in range(number, number + 60):
                    if turn == number + 30:
                        await killed.wait()
                    place = turn % len(asked)
                    reply = await stub.ApplyEdit(request_to_proto(asked[place]), timeout=60)
                    got[place][reply.receipt.result_sha256, reply.receipt.fingerprint] += 1

            async def killer() -> None:
                while first.events["edit"] < 20 or second.events["edit"] < 20:
                    await asyncio.sleep(0.005)
                first.kill()
                killed.set()

            await asyncio.gather(killer(), *(client(number) for number in range(16)))

    asyncio.run(main())
    assert sum(counts.total() for counts in got) == 16 * 60
    for counts, receipt in zip(got, expected, strict=True):
        assert set(counts) == {(receipt.result_sha256, receipt.fingerprint)}
    assert first.process.returncode == -9
    assert first.events["edit"] >= 20
    assert second.events["edit"] >= 16 * 30, "what the killed one had is done by the other"


def test_with_every_server_gone_the_call_ends_as_unavailable(servers):
    (first, second), _ = servers
    first.kill()
    second.kill()

    async def main() -> None:
        target = target_of([first.target, second.target])
        async with grpc.aio.insecure_channel(target, channel_options()) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ApplyServiceStub(channel).GetFingerprint(pb.GetFingerprintRequest(), timeout=20)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(main())


def test_targets():
    assert target_of(["dns:///apply:50051"]) == "dns:///apply:50051"
    assert target_of(["127.0.0.1:1", "127.0.0.1:2"]) == "ipv4:127.0.0.1:1,127.0.0.1:2"
    with pytest.raises(ValueError, match="no server"):
        target_of([])


def test_what_grpc_takes_for_final_is_tried_again_by_the_interceptor():
    """A server that fails twice with INTERNAL, after its headers."""
    calls = 0

    class Failing(ApplyServiceServicer):
        async def ApplyEdit(self, request, context):
            nonlocal calls
            calls += 1
            if calls % 3:
                await context.send_initial_metadata([("request_id", str(calls))])
                await context.abort(grpc.StatusCode.INTERNAL, "a replica died")
            return pb.ApplyEditResponse(content=b"new")

    async def main() -> None:
        server = grpc.aio.server()
        add_ApplyServiceServicer_to_server(Failing(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        for attempts, answered in ((5, True), (2, False)):
            again = [RetryInterceptor(attempts)]
            target = f"127.0.0.1:{port}"
            async with grpc.aio.insecure_channel(target, channel_options(), interceptors=again) as channel:
                call = ApplyServiceStub(channel).ApplyEdit(pb.ApplyEditRequest(), timeout=20)
                if answered:
                    assert (await call).content == b"new"
                else:
                    with pytest.raises(grpc.aio.AioRpcError, match="a replica died"):
                        await call
        await server.stop(0)

    asyncio.run(main())
    assert calls == 3 + 2
