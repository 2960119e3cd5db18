"""An Applier made ready to serve: its scheduler, its memo, and threads that run edits, from the settings."""

from __future__ import annotations

import asyncio

from applier.memo import Memoised, Store
from applier.patches.apply import apply_patch
from applier.patches.types import PatchRequest, PatchResult
from applier.server.config import ServerConfig
from applier.server.metrics import ServerMetrics
from applier.server.scheduling import start_processes, start_scheduler
from applier.server.workers import Workers
from applier.types import AppliesEdits, EditRequest, EditResult


class Edits:
    """What a service sends edits to. Making it may take long; it closes the store that it is given."""

    def __init__(
        self, applier: AppliesEdits, config: ServerConfig, metrics: ServerMetrics, store: Store | None
    ) -> None:
        self._scheduler = start_scheduler(applier, config, metrics)
        self._processes = start_processes(applier, config)
        self._store = store
        if store is not None:
            applier = Memoised(applier, store, config.memo_check_rate, on_event=metrics.memo)
        retry_seconds = self._scheduler.retry_seconds if self._scheduler else lambda: 1
        self._workers = Workers(applier, config.workers, config.max_waiting, retry_seconds)
        self.fingerprint = applier.fingerprint()
        self._answered = self._probes = 0

    async def apply(self, request: EditRequest) -> EditResult:
        """The answer. Raises CallError (RESOURCE_EXHAUSTED) when too many edits wait, and what bugs raise."""
        result = await self._workers.apply(request)
        self._answered += 1
        return result

    async def get_through(self, seconds: float) -> bool:
        """Whether edits are answered: one sent for this is within `seconds`, or others were meanwhile."""
        before = self._answered
        self._probes += 1
        edit = b"<<<<<<< SEARCH\nprobe\n=======\nprobe %d\n>>>>>>> REPLACE\n" % self._probes
        try:
            await asyncio.wait_for(self._workers.apply(EditRequest(b"probe\n", edit)), seconds)
        except Exception:  # too many wait, none is answered, or the applier is broken
            return self._answered > before
        return True

    async def patch(self, request: PatchRequest) -> PatchResult:
        """As `apply`, for a patch of several files."""
        return await self._workers.run(lambda applier: apply_patch(applier, request))

    def close(self) -> None:
        """Drop what waits, and wait for the scheduler's last step."""
        self._workers.close()
        if self._scheduler is not None:
            self._scheduler.close()
        if self._processes is not None:
            self._processes.close()
        if self._store is not None:
            self._store.close()
