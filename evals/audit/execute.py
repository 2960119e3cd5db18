"""Run the waves of an audit against a target and record every reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from evals.audit.conditions import Watched, Wave
from evals.audit.target import Reply, Target


def _sample(key: str, wave: int, watched: Watched, reply: Reply | BaseException) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "key": key,
        "wave": wave,
        "condition": watched.condition,
        "group": watched.group,
        "concurrency": watched.concurrency,
        "seed": watched.ask.seed,
    }
    if isinstance(reply, BaseException):
        return sample | {"error": f"{type(reply).__name__}: {reply}"}
    return sample | {
        "sha256": reply.sha256,
        "fingerprint": reply.fingerprint,
        "digest": reply.digest,
        "receipt": reply.receipt,
        "memo": reply.memo,
        "unit": "token" if reply.tokens is not None else "byte",
        "output": list(reply.units()),
    }


async def _wave(target: Target, index: int, wave: Wave) -> list[dict[str, Any]]:
    replies = await asyncio.gather(*(target.ask(watched.ask) for watched in wave), return_exceptions=True)
    pairs = enumerate(zip(wave, replies, strict=True))
    return [_sample(f"{index}:{place}", index, watched, reply) for place, (watched, reply) in pairs]


def execute(
    target: Target, waves: Iterable[Wave], done: frozenset[int] = frozenset()
) -> Iterator[list[dict[str, Any]]]:
    """Samples of each wave, wave by wave; waves in `done` are skipped and give an empty list."""
    with asyncio.Runner() as runner:
        for index, wave in enumerate(waves):
            yield [] if index in done else runner.run(_wave(target, index, wave))
        runner.run(target.close())
