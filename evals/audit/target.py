"""What an audit talks to: a target answers one request at a time and says what it knows about its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `payload` is whatever the target's workload made; `seed` is None for greedy decoding."""

    payload: Any
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its bytes, its tokens where the target gives them, and the fingerprint it came under.

    `digest` is a hash of finer evidence than the output, such as the logits; `receipt` says that the answer
    can be checked later by replaying it, `memo` that it was looked up rather than computed.
    """

    output: bytes
    tokens: tuple[Any, ...] | None = None
    fingerprint: str | None = None
    digest: str | None = None
    receipt: bool = False
    memo: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.output).hexdigest()

    def units(self) -> Sequence[Any]:
        """Tokens where known, else the bytes of the output."""
        return self.tokens if self.tokens is not None else self.output


class Workload(Protocol):
    """The payloads of an audit."""

    def audited(self) -> Any:
        """The request that is repeated."""

    def traffic(self, index: int) -> Any:
        """A different request of ordinary length; there may be as many as there are indices."""

    def neighbour(self, long: bool, index: int) -> Any:
        """A different request, short or long."""

    def fresh(self, index: int) -> Any:
        """A request like the audited one that no cache can have seen."""


class Target(Protocol):
    """A server or an in-process model. `ask` raises for a request that failed; that request is unscored."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def samples(self) -> bool:
        """Whether it can sample with a seed, so that a seed probe makes sense."""
        ...

    @property
    def workload(self) -> Workload: ...

    async def ask(self, ask: Ask) -> Reply: ...

    async def close(self) -> None: ...
