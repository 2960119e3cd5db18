"""A server under edits that are made to stop it: it answers others, and health, and ends when it is told to.

The hostile edits are in our own words; those of the shared folder, where it is there, are tried too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import statistics
import threading
import time
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from applier import Applier, EditRequest
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.server.config import ServerConfig
from applier.server.run import running_server
from evals.bench.harness.process import serving
from tests.applier.appliers import FaultyApplier


def block(old: str, new: str) -> bytes:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n".encode()


KOTLIN = (
    "    override fun run() {\n        val given = parameters\n            logger = object : StepLogger {\n"
    + "#nel\n        builder.make(\n            name = name,\n            prefix = prefix,\n" * 6
)
HOSTILE = {
    "exponential": EditRequest(KOTLIN.encode() + b"one = 1\n", block("one = 1", "one = 2"), "A.kt"),
    "superlinear": EditRequest(b"a = 1\nb = 2\n", block("b = 2", "|" * 16000), "a.py"),
    "silent": EditRequest(b"[|a" * 4000 + b"\nx\n", block("x", "y"), "a.js"),
    "dividers": EditRequest(b"a\n", block("x\n=======\n" * 300 + "a", "b"), "a.py"),
    "blanks": EditRequest(b"a\n", b"file:" + b" " * 32000 + b"!\n```python\na\n```\n", "a.py"),
    "digits": EditRequest(b"a\n", b"@@ -%b +1 @@\n-a\n+b\n" % (b"9" * 5000), "a.py"),
    "comments": EditRequest(b"/*" * 4000 + b"\nx\n", block("x", "y"), "a.swift"),
}


def shared() -> dict[str, EditRequest]:
    """Those of the shared folder; may be none."""
    folder = Path(__file__).parents[3] / os.environ.get("SAMEBYTES_SHARED", "../shared")
    path = folder / "cases" / "hostile.jsonl"
    rows = map(json.loads, path.read_text("utf-8").splitlines()) if path.exists() else ()
    return {
        row["id"]: EditRequest(
            base64.b64decode(row["original_b64"]), base64.b64decode(row["edit_b64"]), row["path"]
        )
        for row in rows
    }


def message(request: EditRequest) -> pb.ApplyEditRequest:
    return pb.ApplyEditRequest(original=request.original, edit=request.edit, path=request.path)


def plain(number: int) -> pb.ApplyEditRequest:
    original = "".join(f"def f{n}():\n    return {n}\n" for n in range(50))
    return message(EditRequest(original.encode(), block("    return 7", f"    return {number}"), "plain.py"))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "silent"])
def test_what_the_budget_can_stop_takes_little(name: str) -> None:
    begin = time.process_time()
    Applier.without_model().apply(HOSTILE[name])
    assert time.process_time() - begin < 4  # 2 on a machine that does nothing else


def test_the_cases_of_the_shared_folder_take_little() -> None:
    found = shared()
    if not found:
        pytest.skip("the shared folder is missing; SAMEBYTES_SHARED says where it is")
    applier = Applier.without_model()
    for name, request in found.items():
        begin = time.process_time()
        applier.apply(request)
        assert time.process_time() - begin < 4, name


def test_a_budget_that_runs_out_is_said_and_is_the_same_every_time() -> None:
    results = [Applier.without_model().apply(HOSTILE["exponential"]) for _ in range(3)]
    assert all(result.validation.syntax_unknown for result in results)
    assert len({(result.content, result.receipt) for result in results}) == 1


async def latencies(stub: apply_pb2_grpc.ApplyServiceStub, count: int, first: int) -> list[float]:
    found = []
    for number in range(first, first + count):
        begin = time.perf_counter()
        await stub.ApplyEdit(plain(number), timeout=60)
        found.append(time.perf_counter() - begin)
    return found


def measure(count: int, tmp_path: Path) -> tuple[list[float], list[float], float, float]:
    """(quiet latencies, latencies under hostile edits, slowest health, seconds from SIGTERM to the end)."""
    environment = {"SAMEBYTES_HOME": str(tmp_path)}
    with serving(None, ["--memo-bytes", "0"], environment) as server:

        async def main() -> tuple[list[float], list[float], float]:
            async with grpc.aio.insecure_channel(server.target) as channel:
                stub = apply_pb2_grpc.ApplyServiceStub(channel)
                health = health_pb2_grpc.HealthStub(channel)
                await latencies(stub, 20, 1000)
                quiet = await latencies(stub, count, 2000)
                hostile = [
                    asyncio.ensure_future(stub.ApplyEdit(message(request), timeout=120))
                    for request in HOSTILE.values()
                ]
                beside, slowest = [], 0.0
                for start in range(0, count, 10):
                    beside += await latencies(stub, 10, 3000 + start)
                    begin = time.perf_counter()
                    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
                    slowest = max(slowest, time.perf_counter() - begin)
                    assert answer.status == health_pb2.HealthCheckResponse.SERVING
                answers = await asyncio.gather(*hostile, return_exceptions=True)
                for answer in answers:
                    code = answer.code() if isinstance(answer, grpc.aio.AioRpcError) else None
                    assert code in (None, grpc.StatusCode.INVALID_ARGUMENT), answer
                last = asyncio.ensure_future(stub.ApplyEdit(message(HOSTILE["silent"]), timeout=120))
                await asyncio.sleep(0.5)
                last.cancel()
                return quiet, beside, slowest

        quiet, beside, slowest = asyncio.run(main())
        begin = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        return quiet, beside, slowest, time.perf_counter() - begin


def test_hostile_edits_do_not_stop_a_server(tmp_path: Path) -> None:
    quiet, beside, slowest, ended = measure(100, tmp_path)
    assert len(beside) == len(quiet)
    assert slowest < 10
    assert ended < 30  # 10 seconds of grace, and the end


def test_health_says_whether_edits_get_through() -> None:
    class Stuck(FaultyApplier):
        free = threading.Event()

        def apply(self, request):
            self.free.wait(60)
            return super().apply(request)

    applier = Stuck()

    async def main() -> None:
        config = ServerConfig(port=0, memo_bytes=0, watch_seconds=0.2, grace_seconds=1)
        async with (
            running_server(config, lambda: applier) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            serving, not_serving = (health_pb2.HealthCheckResponse.SERVING, 2)
            assert (await watch.read()).status == serving
            assert (await watch.read()).status == not_serving
            applier.free.set()
            assert (await watch.read()).status == serving
            watch.cancel()

    asyncio.run(asyncio.wait_for(main(), 60))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        quiet, beside, slowest, ended = measure(1000, Path(folder))
    for name, found in (("quiet", quiet), ("beside hostile edits", beside)):
        p50, p99 = statistics.median(found), statistics.quantiles(found, n=100)[98]
        print(f"{name}: p50 {1e3 * p50:.1f} ms, p99 {1e3 * p99:.1f} ms")
    print(f"slowest health {1e3 * slowest:.1f} ms; ended {ended:.1f} s after SIGTERM")
