"""A server on a free loopback port, and a client of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from applier.http.config import HttpConfig
from applier.http.run import running_http_server
from tests.applier.appliers import FaultyApplier

BLOCK = "<<<<<<< SEARCH\nb = 2\n=======\nb = 3\n>>>>>>> REPLACE\n"
FILE = "a = 1\nb = 2\n"
MERGED = "a = 1\nb = 3\n"


def serve(call: Callable[[httpx.AsyncClient], Awaitable[None]], applier: Any = None, **settings: Any) -> None:
    """Run `call` with a client of a server."""

    async def main() -> None:
        config = HttpConfig(port=0, grace_seconds=1, **settings)
        async with (
            running_http_server(config, lambda: applier or FaultyApplier()) as server,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}", timeout=60, trust_env=False
            ) as client,
        ):
            await asyncio.wait_for(call(client), 120)

    asyncio.run(main())


def morph(code: str = FILE, edit: str = BLOCK, instruction: str = "") -> dict[str, Any]:
    """The message of Morph and Relace."""
    text = f"<instruction>{instruction}</instruction>\n<code>{code}</code>\n<update>{edit}</update>"
    return {"model": "morph-v3-large", "messages": [{"role": "user", "content": text}]}
