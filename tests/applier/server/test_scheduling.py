"""The server over the real engine and a tiny real model: load, cancellation, draining, metrics."""

from __future__ import annotations

import asyncio
import hashlib
import random
import urllib.request

import grpc
import pytest

from applier import Applier
from applier.api.convert import request_from_proto
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.engine.options import CacheBudgetError
from applier.server.config import ServerConfig
from applier.server.run import RunningServer, running_server
from kernels.model import Model
from tests.applier.tiny_applier import ENDLESS, tiny_applier

ANY_SIZE = [("grpc.max_receive_message_length", -1)]


def lazy(number: int, lines: int = 4) -> pb.ApplyEditRequest:
    """A lazy snippet for a file of its own; the random model with an endless bias writes what is meant."""
    body = [f"    value_{number}_{line} = {line}" for line in range(lines)]
    edit = ["# ... existing code ...", body[-1], f"    added_{number} = True", "# ... existing code ..."]
    return pb.ApplyEditRequest(
        original="\n".join(["def f():", *body, "    return 0", ""]).encode(),
        edit="\n".join([*edit, ""]).encode(),
        path=f"file_{number}.py",
        format=pb.EDIT_FORMAT_LAZY,
        options=pb.EditOptions(min_confidence=0.0),
    )


def serve(call, applier=None, **settings):
    """Run `call(stub, server)` against a server on a free loopback port, without a memo."""
    config = ServerConfig(port=0, memo_bytes=0, **{"grace_seconds": 5, **settings})
    applier = applier or tiny_applier(bias=ENDLESS)

    async def main():
        async with (
            running_server(config, lambda: applier) as server,
            grpc.aio.insecure_channel(server.target, ANY_SIZE) as channel,
        ):
            return await asyncio.wait_for(call(apply_pb2_grpc.ApplyServiceStub(channel), server), 120)

    return asyncio.run(main())


def metrics(server: RunningServer) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


async def idle_metrics(server: RunningServer) -> dict[str, float]:
    """The metrics once the step that gave the last answer has been counted; all caches are given back."""
    counted: dict[str, float] = {}
    for _ in range(200):
        counted = await asyncio.to_thread(metrics, server)
        if counted['samebytes_merges{state="running"}'] == 0:
            break
        await asyncio.sleep(0.05)
    assert counted['samebytes_cache_bytes{holder="running"}'] == 0
    return counted


def test_a_thousand_concurrent_calls_get_what_they_get_alone():
    numbers = [*range(40)] * 25
    random.Random(3).shuffle(numbers)
    alone = tiny_applier(bias=ENDLESS)
    wanted = {number: alone.apply(request_from_proto(lazy(number))) for number in range(40)}

    async def call(stub, server):
        answers = await asyncio.gather(*[stub.ApplyEdit(lazy(number)) for number in numbers])
        return answers, await idle_metrics(server)

    answers, counted = serve(call, max_waiting=1000, metrics_port=0)
    assert len(answers) == 1000
    for number, answer in zip(numbers, answers, strict=True):
        assert answer.tier == pb.TIER_MODEL
        assert answer.content == wanted[number].content
        assert answer.receipt.result_sha256 == hashlib.sha256(answer.content).hexdigest()
        assert answer.diff == wanted[number].diff
    assert counted['samebytes_cache_bytes{holder="prefix"}'] > 0
    assert counted['samebytes_prompt_tokens_total{prefix="hit"}'] > 0
    assert counted["samebytes_batch_merges_sum"] > counted["samebytes_batch_merges_count"], "calls met"


def test_a_cancelled_call_frees_its_cache_and_the_others_are_answered():
    async def call(stub, server):
        slow = stub.ApplyEdit(lazy(1, lines=70))
        others = [stub.ApplyEdit(lazy(number)) for number in range(2, 12)]
        await asyncio.sleep(0.05)
        slow.cancel()
        answers = await asyncio.gather(*others)
        await idle_metrics(server)
        return answers

    answers = serve(call, metrics_port=0, batch_tokens=32)
    assert all(answer.status == pb.STATUS_APPLIED for answer in answers)


def test_a_deadline_frees_what_it_held():
    interrupted = 'samebytes_merges_interrupted_total{why="cancelled"}'

    async def call(stub, server):
        seconds = 0.05
        while (await asyncio.to_thread(metrics, server)).get(
            interrupted, 0
        ) == 0:  # until one comes as far as the model
            seconds *= 2
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.ApplyEdit(lazy(1, lines=70), timeout=seconds)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return await stub.ApplyEdit(lazy(2)), await idle_metrics(server)

    answer, counted = serve(call, metrics_port=0, batch_tokens=1)
    assert answer.status == pb.STATUS_APPLIED
    assert counted[interrupted] >= 1


def test_merges_in_work_end_before_the_server_stops(monkeypatch):
    applier = tiny_applier(bias=ENDLESS)
    apply, begun = Applier.apply, []

    def counted(self, request):
        begun.append(request)
        return apply(self, request)

    monkeypatch.setattr(Applier, "apply", counted)

    async def main():
        config = ServerConfig(port=0, memo_bytes=0, grace_seconds=120, batch_tokens=64, workers=6)
        async with running_server(config, lambda: applier) as server:
            channel = grpc.aio.insecure_channel(server.target, ANY_SIZE)
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            calls = [asyncio.ensure_future(stub.ApplyEdit(lazy(n, lines=20))) for n in range(6)]
            while len(begun) < 6:
                await asyncio.sleep(0.001)
        answers = await asyncio.gather(*calls)
        await channel.close()
        return answers

    answers = asyncio.run(main())
    assert [answer.status for answer in answers] == [pb.STATUS_APPLIED] * 6


def test_a_server_with_too_little_memory_for_its_model_does_not_start(monkeypatch):
    monkeypatch.setattr(Model, "cache_bytes", lambda self, capacity, shared=0: 1 << 21)
    with pytest.raises(CacheBudgetError, match="do not hold one"):
        serve(None, cache_mib=1, applier=tiny_applier())
