"""What models in this process share: one request at a time, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from abc import abstractmethod
from pathlib import Path

from reasoner.backends.base import Answer, Backend
from reasoner.types import ChatRequest, Sampling

_SEED_BITS = 31


class LocalBackend(Backend):
    """A model in this process. Requests wait for each other: a seed means one generator at a time."""

    def __init__(self, name: str, model: str, timeout: float) -> None:
        super().__init__(name, model, timeout)
        self._turn = asyncio.Lock()

    @abstractmethod
    def _generate(self, request: ChatRequest) -> Answer:
        """One answer, computed in the calling thread."""

    async def _call(self, request: ChatRequest) -> Answer:
        async with self._turn:
            return await asyncio.to_thread(self._generate, request)


def fresh_seed(sampling: Sampling) -> int:
    """The seed asked for, or a new random one, so that no seed means a different answer each time."""
    return sampling.seed if sampling.seed is not None else secrets.randbits(_SEED_BITS)


def file_version(path: Path) -> str:
    """`name@sha256:...` of a weights file, which is what a version is for a file."""
    with path.open("rb") as file:
        return f"{path.name}@sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
