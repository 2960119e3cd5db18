"""A replica: one Applier with its model, its scheduler and its memo. Knows nothing of Ray."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from applier.api.errors import CallError
from applier.loading import load_tested_applier
from applier.patches.types import PatchRequest, PatchResult
from applier.server.answers import report_bug
from applier.server.config import ServerConfig
from applier.server.edits import Edits
from applier.server.logs import configure_logs
from applier.server.malloc import return_large_blocks
from applier.server.memo import open_store
from applier.server.metrics import ServerMetrics
from applier.server.ray.settings import Settings
from applier.types import EditRequest, EditResult

Answer = TypeVar("Answer")


class Replica:
    """Made in a process of its own. Raises CommandError where the self-test fails: it then never serves."""

    def __init__(self, settings: Settings) -> None:
        configure_logs()
        return_large_blocks()
        config = ServerConfig(
            workers=settings.workers,
            max_waiting=settings.max_waiting,
            memo_bytes=settings.memo_bytes,
            memo_file=settings.memo_file,
        )
        applier = load_tested_applier(settings.model)
        self.metrics = ServerMetrics()
        self._edits = Edits(applier, config, self.metrics, open_store(config))

    async def fingerprint(self) -> str:
        """What decides this replica's answers."""
        return self._edits.fingerprint

    async def apply(self, request: EditRequest) -> EditResult | CallError:
        """The answer, or why there is none. An error is returned and not raised, so that nothing on the way
        logs it: its message might quote the file.
        """
        return await self._answer(self._edits.apply(request))

    async def patch(self, request: PatchRequest) -> PatchResult | CallError:
        """As `apply`, for a patch of several files."""
        return await self._answer(self._edits.patch(request))

    async def _answer(self, answer: Awaitable[Answer]) -> Answer | CallError:
        try:
            return await answer
        except CallError as error:
            return error
        except Exception as error:
            return report_bug(error)
