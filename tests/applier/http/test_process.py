"""`samebytes http` as a process: logs, an answer, SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import applier
from tests.applier.http.serving import MERGED, morph

ROOT = Path(applier.__file__).parents[1]
SERVER = [sys.executable, "-m", "applier.cli", "http"]


def test_the_server_logs_json_answers_and_ends_cleanly(tmp_path):
    environment = os.environ | {"SAMEBYTES_HOME": str(tmp_path), "SAMEBYTES_HTTP_PORT": "0"}
    with subprocess.Popen(SERVER, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            listening, serving = (json.loads(server.stderr.readline()) for _ in range(2))
            assert (listening["event"], serving["event"]) == ("listening", "serving")
            url = f"http://127.0.0.1:{listening['port']}/v1/chat/completions"
            answer = httpx.post(url, json=morph(), timeout=30, trust_env=False).json()
            assert answer["choices"][0]["message"]["content"] == MERGED
            assert answer["system_fingerprint"] == serving["fingerprint"]
            server.send_signal(signal.SIGTERM)
            logged = server.stderr.read()
            assert server.wait(20) == 0
        finally:
            server.kill()
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert events == ["edit", "draining", "stopped"]
    assert "b = 2" not in logged


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "70000"], "port: Input should be less than or equal to 65535"),
        (["--tls-certificate", "x"], "belong together"),
        (["--token-file", "/nonexistent"], "/nonexistent: No such file"),
    ],
)
def test_wrong_settings_are_a_message(arguments, says):
    done = subprocess.run([*SERVER, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (2, True, False)
