"""Ten agents on one working tree: nothing is lost, and the late one is told that the file changed."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from mcp.client.client import Client

from applier import Applier
from applier.http.config import HttpConfig
from applier.mcp.run import McpSettings, local_edits, running_mcp_server
from tests.applier.mcp.agents import AGENTS, EDITS, stdio, work


@contextlib.asynccontextmanager
async def http_server(root, **settings):
    config = HttpConfig(port=0, memo_bytes=0, grace_seconds=1, **settings)
    async with (
        local_edits(config, Applier.without_model) as ready,
        running_mcp_server(config, ready, McpSettings((root,))) as address,
    ):
        yield address


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_ten_agents_over_one_http_server(tmp_path, mode):
    async def main():
        async with http_server(tmp_path) as address:
            return await work(tmp_path, lambda: Client(address, mode=mode))

    done, told = asyncio.run(main())
    assert done == 2 * AGENTS * EDITS
    assert told > 0


@pytest.mark.slow
def test_ten_agents_with_a_process_each(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path / "home"))  # no model: it would be loaded ten times
    root = tmp_path / "tree"
    root.mkdir()
    done, told = asyncio.run(work(root, lambda: Client(stdio(root))))
    assert done == 2 * AGENTS * EDITS
    assert told > 0
