"""Where an edit is applied: in this process, or by a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

from applier.types import EditRequest, EditResult
from reasoner.errors import UsageError


class ApplyClient(Protocol):
    """The deterministic half: equal fingerprint and equal request give equal bytes."""

    async def apply(self, request: EditRequest) -> EditResult:
        """Apply one edit. A refusal is a result, not an error."""
        ...

    async def fingerprint(self) -> str:
        """What decides the answers."""
        ...

    async def aclose(self) -> None:
        """Give back the connection."""
        ...


class InProcess:
    """An applier in this process. `applier` has `apply(request)` and `fingerprint()`."""

    def __init__(self, applier: Any) -> None:
        self._applier = applier

    @classmethod
    def default(cls, model: Path | None = None) -> InProcess:
        """The installed applier with its own model, or with one by name or folder. Raises UsageError."""
        from applier.exits import CommandError
        from applier.loading import load_applier

        try:
            return cls(load_applier(model))
        except CommandError as error:
            raise UsageError(str(error)) from None

    async def apply(self, request: EditRequest) -> EditResult:
        return await asyncio.to_thread(self._applier.apply, request)

    async def fingerprint(self) -> str:
        return self._applier.fingerprint()

    async def aclose(self) -> None:
        return None


def connect(target: str | None, model: Path | None = None) -> ApplyClient:
    """The applier at `grpc://host:port` or `grpc+unix:///path`; the one in this process where it is None.

    Raises UsageError for another kind of address.
    """
    if target is None:
        return InProcess.default(model)
    if not target.startswith(("grpc://", "grpc+unix://")):
        raise UsageError(f"cannot reach an applier at {target!r}; write grpc://HOST:PORT")
    from reasoner.apply_grpc import GrpcApplier

    return GrpcApplier(target)
