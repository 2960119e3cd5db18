"""Clients of other makers, unchanged, where nothing but loopback can be reached.

`scripts/clients.sh` installs them; without it, or without a namespace, these tests are skipped and say why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.scenarios import FILE, INSTALLED, LARGE_MERGED, MERGED, ROOT, SCENARIOS

NAMESPACE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
pytestmark = pytest.mark.clients


def _why_no_namespace() -> str | None:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "unshare and ip are not here"
    done = subprocess.run([*NAMESPACE, "ip", "route"], capture_output=True, text=True)
    return f"no network namespace can be made: {done.stderr.strip()}" if done.returncode else None


@pytest.fixture(scope="session")
def said():
    """What all installed clients said, by name."""
    if why := _why_no_namespace():
        pytest.skip(why)
    if not any(place.exists() for _, place in SCENARIOS.values()):
        pytest.skip("no client is installed; run scripts/clients.sh")
    command = [*NAMESPACE, sys.executable, "-m", "tests.clients.scenarios"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def answers(said, name):
    place = SCENARIOS[name][1]
    if not place.exists():
        pytest.skip(f"{name} is not installed ({place.relative_to(ROOT)}); run scripts/clients.sh")
    assert "failed" not in said[name], said[name]["failed"]
    return said[name]


def test_the_namespace_has_no_way_out():
    if why := _why_no_namespace():
        pytest.skip(why)
    script = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    done = subprocess.run([*NAMESPACE, sys.executable, "-c", script], capture_output=True, text=True)
    assert "Network is unreachable" in done.stderr


def test_morphs_sdk(said):
    exact, lazy, refused, large = answers(said, "morphsdk")
    assert (exact["success"], exact["mergedCode"]) == (True, MERGED)
    assert exact["completionId"].startswith("chatcmpl-")
    assert lazy["mergedCode"] == MERGED
    assert not refused["success"]
    assert refused["error"].startswith("422 no_match: ")
    assert large["mergedCode"] == LARGE_MERGED


def test_openai_for_javascript(said):
    found = answers(said, "openai-js")
    done, refused = found["answers"]
    assert done["content"] == done["streamed"] == MERGED
    assert len(done["fingerprint"]) == 64
    assert refused["status"] == 422
    assert found["models"] == ["samebytes"]


def test_morphs_mcp_server(said):
    exact, lazy, refused = answers(said, "morphmcp")
    for done in (exact, lazy):
        assert (done["error"], done["file"]) == (False, MERGED), done["text"]
    assert (refused["error"], refused["file"]) == (True, FILE)
    assert "422 no_match" in refused["text"]  # our words reach the agent


def test_relace_mcp(said):
    done, refused = answers(said, "relace-mcp")
    assert done["file"] == MERGED, done["text"]
    assert refused["file"] == FILE
    assert "no_match" in refused["text"]


def test_fastapply_mcp(said):
    exact, lazy, refused = answers(said, "fastapply-mcp")
    for done in (exact, lazy):
        assert done["file"] == MERGED, done["text"]
    assert refused["file"] == FILE
    assert "422 - no_match" in refused["text"]


def test_the_mcp_inspector(said):
    found = answers(said, "inspector")
    assert [tool["name"] for tool in found["tools"]] == ["edit_file", "preview_edit", "apply_patch", "replay"]
    assert found["result"]["structuredContent"]["written"] is True
    assert found["file"] == MERGED


def test_grpc_from_node(tmp_path):
    from tests.applier.api.test_clients import server

    modules = INSTALLED / "npm"
    if not (modules / "node_modules/@grpc/grpc-js").exists():
        pytest.skip("@grpc/grpc-js is not installed; run scripts/clients.sh")
    file, edit, bad = tmp_path / "app.py", tmp_path / "edit", tmp_path / "bad"
    file.write_bytes(FILE.encode())
    edit.write_text("<<<<<<< SEARCH\n    return 1  # é ✓\n=======\n    return 11  # é ✓\n>>>>>>> REPLACE\n")
    bad.write_text("@@ -1 +1 @@\n-not there\n+x\n")
    example = Path(ROOT, "examples/grpc-node/apply.mjs")
    with server() as address:
        done, refused = (
            subprocess.run(
                ["node", str(example), address, str(file), str(one)],
                cwd=modules,
                capture_output=True,
                timeout=60,
            )
            for one in (edit, bad)
        )
    assert (done.returncode, done.stdout.decode()) == (0, MERGED), done.stderr
    assert b"result " in done.stderr
    assert (refused.returncode, refused.stdout) == (3, b"")
    assert refused.stderr.startswith(b"REFUSAL_REASON_")
