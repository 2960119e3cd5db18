"""`samebytes mcp` as a process: stdio, streamable HTTP, and kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

import applier
from tests.applier.mcp.serving import APP

ROOT = Path(applier.__file__).parents[1]
SERVER = [sys.executable, "-m", "applier.cli", "mcp"]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    return folder


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_over_stdio_in_the_folder_where_it_is_started(root, mode):
    async def main():
        environment = {name: os.environ[name] for name in ("SAMEBYTES_HOME", "PYTHONPATH", "PATH")}
        server = StdioServerParameters(command=SERVER[0], args=SERVER[1:], cwd=root, env=environment)
        async with Client(server, mode=mode) as client:
            tools = await client.list_tools()
            assert tools.tools[0].name == "edit_file"
            edit = {"path": "app.py", "old_string": "return 1\n", "new_string": "return 11\n"}
            answer = await client.call_tool("edit_file", edit)
            assert not answer.is_error
        assert (root / "app.py").read_text() == APP.replace("return 1\n", "return 11\n")

    asyncio.run(main())


def test_over_http_with_a_token(root, tmp_path):
    token = tmp_path / "token"
    token.write_text("sesame")
    command = [*SERVER, "--http", "--port", "0", "--root", str(root), "--token-file", str(token)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            events = {}
            while "serving" not in events:
                entry = json.loads(server.stderr.readline())
                events[entry["event"]] = entry
            address = events["serving"]["address"]
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert httpx.post(address, json=body).status_code == 401
            allowed = {"Authorization": "Bearer sesame"}
            evil = allowed | {"Host": "evil.test", "Accept": "application/json, text/event-stream"}
            assert httpx.post(address, json=body, headers=evil).status_code == 403
            page = allowed | {"Origin": "https://evil.test", "Accept": "application/json, text/event-stream"}
            assert httpx.post(address, json=body, headers=page).status_code == 403
            server.send_signal(signal.SIGTERM)
            rest = server.stderr.read()
            assert server.wait(20) == 0
            assert "Traceback" not in rest
        finally:
            server.kill()


def test_it_does_not_serve_other_machines_without_a_token(root):
    command = [*SERVER, "--http", "--host", "0.0.0.0", "--root", str(root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "require a token" in done.stderr) == (2, True)


def _kill(root: Path, instants: int, seed: int) -> list[int]:
    command = [sys.executable, "-m", "tests.applier.mcp.killing", str(root), str(instants), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("instants", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_kill_9_during_apply_patch_leaves_all_old_or_all_new(root, instants):
    assert sum(_kill(root, instants, seed=1)) == instants
