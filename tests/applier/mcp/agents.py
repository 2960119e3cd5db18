"""Ten agents on one working tree, each its own client of the same server, or with a server of its own."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

AGENTS, EDITS = 10, 8
LINES = "".join(f"line {number} of agent {number % AGENTS}\n" for number in range(AGENTS * EDITS))


def stdio(root: Path) -> StdioServerParameters:
    """A server of its own, which edits under `root`."""
    return StdioServerParameters(
        command=sys.executable, args=["-m", "applier.cli", "mcp", "--root", str(root)]
    )


async def agent(
    number: int, root: Path, connect: Callable[[], AbstractAsyncContextManager[Client]]
) -> tuple[int, int]:
    """Marks every line of its own in both files, and says how often it did and was told of a change."""
    done = told = 0
    wait = random.Random(number)
    async with connect() as client:
        hashes: dict[str, str] = {}
        for row in range(number, AGENTS * EDITS, AGENTS):
            for name in ("one.txt", "two.txt"):
                old = f"line {row} of agent {number}\n"
                edit = {"path": name, "old_string": old, "new_string": f"done {old}"}
                for _ in range(200):
                    known = {"expected_sha256": hashes[name]} if name in hashes else {}
                    answer = await client.call_tool("edit_file", {**edit, **known})
                    fields = answer.structured_content
                    if not answer.is_error:
                        hashes[name] = fields["files"][0]["sha256"]
                        done += 1
                        break
                    (refusal,) = fields["refusals"]
                    assert refusal["reason"] in ("changed", "stale_original"), refusal
                    told += 1
                    hashes.pop(name, None)  # it reads the file again
                    await asyncio.sleep(wait.uniform(0, 0.05))
                else:
                    raise AssertionError(f"agent {number} never got through")
    return done, told


async def work(root: Path, connect: Callable[[], AbstractAsyncContextManager[Client]]) -> tuple[int, int]:
    """All agents at once; (edits made, times that one was told of a change). Nothing is lost."""
    for name in ("one.txt", "two.txt"):
        (root / name).write_text(LINES)
    results = await asyncio.gather(*(agent(number, root, connect) for number in range(AGENTS)))
    for name in ("one.txt", "two.txt"):
        lines = (root / name).read_text().splitlines()
        assert len(lines) == AGENTS * EDITS
        lost = [line for line in lines if not line.startswith("done line")]
        assert not lost, lost
    return sum(done for done, _ in results), sum(told for _, told in results)
