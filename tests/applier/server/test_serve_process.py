"""`samebytes serve` as a process: logs, answers, SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc

import applier
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc


def test_the_server_logs_json_answers_and_ends_cleanly(tmp_path):
    environment = os.environ | {"SAMEBYTES_HOME": str(tmp_path), "SAMEBYTES_SERVER_PORT": "0"}
    root = Path(applier.__file__).parents[1]
    command = [sys.executable, "-m", "applier.cli", "serve"]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            listening, serving = (json.loads(server.stderr.readline()) for _ in range(2))
            assert (listening["event"], serving["event"]) == ("listening", "serving")
            with grpc.insecure_channel(f"127.0.0.1:{listening['port']}") as channel:
                stub = apply_pb2_grpc.ApplyServiceStub(channel)
                request = pb.ApplyEditRequest(
                    original=b"secret = 1\n",
                    edit=b"<<<<<<< SEARCH\nsecret = 1\n=======\nsecret = 2\n>>>>>>> REPLACE\n",
                    path="a.py",
                )
                answer = stub.ApplyEdit(request, timeout=60)
            assert answer.content == b"secret = 2\n"
            assert answer.receipt.fingerprint == serving["fingerprint"]
            server.send_signal(signal.SIGTERM)
            logged = server.stderr.read()
            assert server.wait(60) == 0
        finally:
            server.kill()
    events = [json.loads(line) for line in logged.splitlines()]
    assert [event["event"] for event in events] == ["edit", "draining", "stopped"]
    assert events[0]["result_sha256"] == answer.receipt.result_sha256
    assert "secret" not in logged
