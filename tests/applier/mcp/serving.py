"""A server in this process over a folder, and the official client of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp.client.client import Client

from applier.http.config import HttpConfig
from applier.mcp.run import McpSettings, local_edits, protocol
from tests.applier.appliers import FaultyApplier

APP = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"


def serve(
    root: Path,
    call: Callable[[Client], Awaitable[None]],
    applier: Any = None,
    mode: str = "legacy",
    stated: bool = True,
    allowed: tuple[str, ...] = (),
    **client: Any,
) -> None:
    """Run `call` with a client of a server that edits files under `root`."""

    async def main() -> None:
        settings = McpSettings((root,) if stated else (), allowed)
        load = lambda: applier or FaultyApplier()  # noqa: E731
        async with local_edits(HttpConfig(memo_bytes=0), load) as ready:
            server = protocol(ready, settings, trusting=True).server
            async with Client(server, mode=mode, **client) as connected:
                await asyncio.wait_for(call(connected), 120)

    asyncio.run(main())
