"""OpenTelemetry spans of edits: one for each, with a child for each step of the pipeline.

Only the API is a dependency: without an SDK in the process every call here does nothing. The caller's W3C
trace context comes in the call's metadata. Attributes are names, sizes, counts and digests, and never any
part of a file, an edit or an instruction.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from applier.api.v1 import apply_pb2 as pb
from applier.types import EditRequest, EditResult

SERVICE = pb.DESCRIPTOR.services_by_name["ApplyService"].full_name

# Steps in the order in which they follow one another; `verify` includes an exact edit, and `locate` the
# attempt at one.
_STEPS = ("parse", "load", "locate", "merge", "verify")
_SHORTEST = 10_000  # ns; a step that took less was skipped, such as loading a model that is loaded already
_PROPAGATOR = TraceContextTextMapPropagator()


def caller(metadata: Iterable[tuple[str, str | bytes]] | None) -> Context:
    """The trace context in a call's metadata; an empty one where there is none, or it is malformed."""
    return _PROPAGATOR.extract({key: value for key, value in metadata or () if isinstance(value, str)})


class EditSpan:
    """The span of one edit."""

    def __init__(self, tracer: trace.Tracer, span: Span) -> None:
        self._tracer, self._span = tracer, span

    def answered(self, request: EditRequest, result: EditResult) -> None:
        """Record the outcome, as soon as it is known, and when each step ran."""
        if not self._span.is_recording():
            return
        now = time.time_ns()
        timing, tokens = result.timing, result.tokens
        attributes: dict[str, Any] = {
            "samebytes.status": result.status.value,
            "samebytes.tier": result.tier.value,
            "samebytes.format": result.format.value,
            "samebytes.language": result.validation.language or "",
            "samebytes.refusal": result.refusal.reason.value if result.refusal else "",
            "samebytes.confidence": result.confidence,
            "samebytes.original_bytes": len(request.original),
            "samebytes.edit_bytes": len(request.edit),
            "samebytes.result_bytes": len(result.content),
            "samebytes.tokens.prompt": tokens.prompt,
            "samebytes.tokens.merged": tokens.merged,
            "samebytes.tokens.drafted": tokens.drafted,
            "samebytes.tokens.accepted": tokens.accepted,
            "samebytes.passes": tokens.passes,
            "samebytes.request_sha256": result.receipt.request_sha256,
            "samebytes.result_sha256": result.receipt.result_sha256,
        }
        self._span.set_attributes(attributes)
        at = now - _nanoseconds(timing.total_ms)
        context = trace.set_span_in_context(self._span)
        for name in _STEPS:
            took = _nanoseconds(getattr(timing, f"{name}_ms"))
            if took >= _SHORTEST:
                self._tracer.start_span(name, context, start_time=at).end(at + took)
                at += took

    def failed(self, code: str) -> None:
        """Record that there was no answer; `code` is the name of a gRPC status."""
        self._span.set_attribute("rpc.grpc.status", code)
        self._span.set_status(StatusCode.ERROR, code)


@contextlib.contextmanager
def edit_span(system: str, method: str, parent: Context) -> Iterator[EditSpan]:
    """The span of an edit that came in by `method` of the service, below the caller's. `system` is "grpc" or
    "http".
    """
    tracer = trace.get_tracer("samebytes")
    attributes = {"rpc.system": system, "rpc.service": SERVICE, "rpc.method": method}
    span = tracer.start_span(f"{SERVICE}/{method}", parent, SpanKind.SERVER, attributes)
    try:
        yield EditSpan(tracer, span)
    finally:
        span.end()


def _nanoseconds(milliseconds: float) -> int:
    return int(1e6 * milliseconds)
