"""Edits answered for any face: counted, traced and logged in the same way, whatever brought them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import traceback
from collections.abc import Iterator
from typing import Protocol

import grpc
import structlog
from opentelemetry.context import Context

from applier import types
from applier.api import errors
from applier.patches.types import PatchRequest, PatchResult
from applier.server import tracing
from applier.server.metrics import ServerMetrics

log = structlog.get_logger("samebytes.server")


class RunsEdits(Protocol):
    """Where edits are run: here, or in other processes."""

    async def apply(self, request: types.EditRequest) -> types.EditResult:
        """The answer. Raises CallError where there is none."""
        ...

    async def patch(self, request: PatchRequest) -> PatchResult:
        """The answer to a patch of several files. Raises CallError where there is none."""
        ...


class Answers:
    """Raises CallError (UNAVAILABLE) until `ready` was called."""

    def __init__(self, metrics: ServerMetrics) -> None:
        self.metrics = metrics
        self.edits: RunsEdits | None = None
        self.fingerprint = ""

    def ready(self, edits: RunsEdits, fingerprint: str) -> None:
        """Start answering by `edits`, whose self-test has passed."""
        self.edits, self.fingerprint = edits, fingerprint

    async def run(self, request: types.EditRequest, span: tracing.EditSpan) -> types.EditResult:
        """The answer to one edit, within `watched`. Raises CallError, also for a stale original and for an
        exception that nobody expected.
        """
        started = time.perf_counter()
        edits = self.running()
        try:
            result = await edits.apply(request)
        except errors.CallError:
            raise
        except Exception as error:
            raise report_bug(error) from error
        span.answered(request, result)
        seconds = time.perf_counter() - started
        _log_result(request, result, seconds)
        if result.refusal is not None and result.refusal.reason is types.RefusalReason.STALE_ORIGINAL:
            raise errors.stale_original(result.refusal.message)
        self.metrics.answered(result, seconds)
        return result

    async def patch(self, request: PatchRequest) -> PatchResult:
        """The answer to one patch, within `watched`. Raises CallError, also for what nobody expected."""
        started = time.perf_counter()
        edits = self.running()
        try:
            result = await edits.patch(request)
        except errors.CallError:
            raise
        except Exception as error:
            raise report_bug(error) from error
        seconds = time.perf_counter() - started
        _log_patch(request, result, seconds)
        for _, edit in result.edits:
            self.metrics.answered(edit, seconds / len(result.edits))
        return result

    def running(self) -> RunsEdits:
        """Where edits are run. Raises CallError (UNAVAILABLE) before the self-test has passed."""
        if self.edits is None:
            raise errors.not_ready()
        return self.edits

    @contextlib.contextmanager
    def watched(self, system: str, method: str, parent: Context) -> Iterator[tracing.EditSpan]:
        """Counts what is in flight and what fails in here, under a span below the caller's."""
        with self.metrics.in_flight.track_inprogress(), tracing.edit_span(system, method, parent) as span:
            try:
                yield span
            except (errors.CallError, asyncio.CancelledError) as error:
                code = error.code if isinstance(error, errors.CallError) else grpc.StatusCode.CANCELLED
                span.failed(code.name)
                self.metrics.failed(code.name)
                raise


def _log_result(request: types.EditRequest, result: types.EditResult, seconds: float) -> None:
    log.info(
        "edit",
        status=result.status,
        reason=result.refusal.reason if result.refusal else None,
        tier=result.tier,
        format=result.format,
        original_bytes=len(request.original),
        edit_bytes=len(request.edit),
        request_sha256=result.receipt.request_sha256,
        result_sha256=result.receipt.result_sha256,
        merged_tokens=result.tokens.merged,
        passes=result.tokens.passes,
        milliseconds=round(seconds * 1000, 2),
    )


def _log_patch(request: PatchRequest, result: PatchResult, seconds: float) -> None:
    log.info(
        "patch",
        status=result.status,
        reasons=sorted({refusal.reason for refusal in result.refusals}),
        files=len(request.files),
        changes=len(result.changes),
        patch_bytes=len(request.patch),
        request_sha256=result.receipt.request_sha256,
        result_sha256=result.receipt.result_sha256,
        milliseconds=round(seconds * 1000, 2),
    )


def report_bug(error: Exception) -> errors.CallError:
    """Log where an exception came from. Its message is left out: it may quote the file."""
    reference = secrets.token_hex(8)
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal error", reference=reference, exception=type(error).__name__, frames=frames)
    return errors.internal(reference)
