"""Applying edits by a samebytes server."""

from __future__ import annotations

from applier.api.clients import AsyncClient, ServerError, UnreachableError
from applier.types import EditRequest, EditResult
from reasoner.errors import ReasonerError, RequestRejected, Unreachable


class GrpcApplier:
    """`AsyncClient` with the reasoner's errors."""

    def __init__(self, target: str, timeout: float = 120.0) -> None:
        self._client = AsyncClient(target, timeout=timeout)

    async def apply(self, request: EditRequest) -> EditResult:
        """Raises Unreachable or RequestRejected."""
        try:
            return await self._client.apply(request)
        except ServerError as error:
            raise _typed(error) from None

    async def fingerprint(self) -> str:
        """The server's fingerprint. Raises Unreachable."""
        try:
            return await self._client.fingerprint()
        except ServerError as error:
            raise _typed(error) from None

    async def aclose(self) -> None:
        await self._client.aclose()


def _typed(error: ServerError) -> ReasonerError:
    kind = Unreachable if isinstance(error, UnreachableError) else RequestRejected
    return kind(f"the applier: {error}")
