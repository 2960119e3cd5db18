"""`serve run` with the configuration in the repository, and processes killed under load. Needs ray."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import yaml

import applier
from applier import Applier
from applier.api.client import RetryInterceptor, channel_options
from applier.api.convert import request_to_proto
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1.apply_pb2_grpc import ApplyServiceStub
from tests.applier.server.test_failover import requests
from tests.evals.tiny_model import write_tiny_model

pytest.importorskip("ray.serve")
pytestmark = pytest.mark.slow

ROOT = Path(applier.__file__).parents[1]
NAME = f"samebytes-test-{os.getpid()}"
TOKEN = [("authorization", "Bearer s3cret")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pids(deployment: str) -> list[int]:
    """Processes of a deployment of this test's application, which Ray names after it."""
    title = f"ServeReplica:{NAME}:{deployment}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and title in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[tuple[str, Applier]]:
    """(address of the proxy, an Applier over the same model in this process)."""
    folder = tmp_path_factory.mktemp("ray")
    model = write_tiny_model(folder / "tiny")
    (folder / "token").write_text("s3cret\n")
    config = yaml.safe_load((ROOT / "applier/server/ray/serve.yaml").read_text())
    port = config["grpc_options"]["port"] = _free_port()
    config["http_options"]["port"] = _free_port()
    config["applications"][0]["name"] = NAME
    arguments = config["applications"][0]["args"]
    arguments |= {"model": str(model), "token_file": str(folder / "token"), "memo_bytes": 0, "cpus": 0.5}
    (folder / "serve.yaml").write_text(yaml.safe_dump(config))
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DISABLE_MEMORY_MONITOR": "1",
    }
    command = [sys.executable, "-m", "ray.serve.scripts", "run", str(folder / "serve.yaml")]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            _wait_until_serving(ApplyServiceStub(channel), process, folder / "log")
        yield f"127.0.0.1:{port}", Applier.from_model_dir(model)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _wait_until_serving(stub: ApplyServiceStub, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None and "DEPLOY_FAILED" not in log.read_text():
        try:
            stub.GetFingerprint(pb.GetFingerprintRequest(), timeout=5, metadata=TOKEN)
            return
        except grpc.RpcError:
            time.sleep(1)
    raise AssertionError(f"the cluster did not come up: {log.read_text()[-3000:]}")


def test_the_token_is_checked_and_errors_keep_their_details(cluster):
    address, applier = cluster
    with grpc.insecure_channel(address) as channel:
        stub = ApplyServiceStub(channel)
        reply = stub.GetFingerprint(pb.GetFingerprintRequest(), metadata=TOKEN)
        assert reply.fingerprint == applier.fingerprint()
        for metadata in ([], [("authorization", "Bearer other")]):
            for call in (
                lambda m: stub.ApplyEdit(pb.ApplyEditRequest(), metadata=m),
                lambda m: list(stub.ApplyEdits(iter([pb.ApplyEditsRequest(id="1")]), metadata=m)),
            ):
                with pytest.raises(grpc.RpcError) as caught:
                    call(metadata)
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError) as caught:
            stub.ApplyEdit(pb.ApplyEditRequest(expected_sha256="?"), metadata=TOKEN)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "expected_sha256" in caught.value.details()
        assert "grpc-status-details-bin" in dict(caught.value.trailing_metadata())


def test_a_stream_is_answered_in_order(cluster):
    address, applier = cluster
    asked = [request_to_proto(request) for request in requests()] * 3
    with grpc.insecure_channel(address, channel_options()) as channel:
        items = [pb.ApplyEditsRequest(id=str(n), request=request) for n, request in enumerate(asked)]
        answers = list(ApplyServiceStub(channel).ApplyEdits(iter(items), metadata=TOKEN))
    assert [answer.id for answer in answers] == [str(n) for n in range(len(asked))]
    expected = [applier.apply(request).content for request in requests()] * 3
    assert [answer.response.content for answer in answers] == expected


@pytest.mark.parametrize("deployment", ["cpu-replica", "front"])
def test_a_killed_process_costs_no_answer_and_changes_none(cluster, deployment):
    address, applier = cluster
    asked = requests()
    expected = [applier.apply(request).receipt for request in asked]
    got: list[Counter[tuple[str, str]]] = [Counter() for _ in asked]
    before = pids(deployment)
    assert len(before) == 2

    async def main() -> None:
        again = [RetryInterceptor()]
        async with grpc.aio.insecure_channel(address, channel_options(), interceptors=again) as channel:
            stub = ApplyServiceStub(channel)

            async def client(number: int) -> None:
                for turn in range(number, number + 40):
                    place = turn % len(asked)
                    reply = await stub.ApplyEdit(request_to_proto(asked[place]), timeout=120, metadata=TOKEN)
                    got[place][reply.receipt.result_sha256, reply.receipt.fingerprint] += 1

            async def killer() -> None:
                while sum(counts.total() for counts in got) < 60:
                    await asyncio.sleep(0.01)
                os.kill(before[0], signal.SIGKILL)

            await asyncio.gather(killer(), *(client(number) for number in range(8)))

    asyncio.run(main())
    assert sum(counts.total() for counts in got) == 8 * 40
    for counts, receipt in zip(got, expected, strict=True):
        assert set(counts) == {(receipt.result_sha256, receipt.fingerprint)}
    assert before[0] not in pids(deployment)


METRICS_URLS = """
import ray
ray.init(address="auto", log_to_driver=False)
print("\\n".join(f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}" for node in ray.nodes()))
"""


def test_the_metrics_of_replicas_and_fronts_are_on_rays_endpoint(cluster):
    address, _ = cluster
    with grpc.insecure_channel(address, channel_options()) as channel:
        for request in requests():
            ApplyServiceStub(channel).ApplyEdit(request_to_proto(request), metadata=TOKEN)
    found = subprocess.run(
        [sys.executable, "-c", METRICS_URLS], capture_output=True, text=True, check=True, timeout=120
    )
    url = found.stdout.split()[-1]
    wanted = {"samebytes_edits", "samebytes_edit_seconds_bucket", "samebytes_merges"}
    end = time.monotonic() + 60
    while wanted and time.monotonic() < end:
        time.sleep(2)
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        wanted = {name for name in wanted if f"_{name}" not in text}
    assert not wanted
    assert 'deployment="cpu-replica"' in text
