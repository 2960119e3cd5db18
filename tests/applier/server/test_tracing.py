"""Spans of edits, taken in by the SDK's exporter in memory."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.server.config import ServerConfig
from applier.server.run import running_server
from tests.applier.appliers import FaultyApplier
from tests.applier.tiny_applier import ENDLESS, tiny_applier

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = b"hunter2 = 1\n"
BLOCK = b"<<<<<<< SEARCH\nhunter2 = 1\n=======\nhunter2 = 2\n>>>>>>> REPLACE\n"


@pytest.fixture
def exporter(monkeypatch):
    """An SDK for the tracers that are asked for while the test runs."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def serve(call, applier=None):
    async def main() -> None:
        async with (
            running_server(
                ServerConfig(port=0, grace_seconds=1), lambda: applier or FaultyApplier()
            ) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            await call(apply_pb2_grpc.ApplyServiceStub(channel))

    asyncio.run(main())


def spans(exporter) -> tuple[list[ReadableSpan], list[ReadableSpan]]:
    """(spans of edits, spans of steps)."""
    found = exporter.get_finished_spans()
    edits = [span for span in found if span.kind is trace.SpanKind.SERVER]
    return edits, [span for span in found if span not in edits]


def test_an_edit_is_a_span_below_the_callers_with_its_steps_below(exporter):
    async def call(stub):
        request = pb.ApplyEditRequest(original=SECRET, edit=BLOCK, path="a.py", instruction="be hunter2")
        await stub.ApplyEdit(request, metadata=[("traceparent", f"00-{TRACE}-{PARENT}-01")])

    serve(call, tiny_applier())
    (edit,), steps = spans(exporter)
    assert edit.name == "applier.api.v1.ApplyService/ApplyEdit"
    assert f"{edit.context.trace_id:032x}" == TRACE
    assert f"{edit.parent.span_id:016x}" == PARENT
    assert edit.attributes["samebytes.status"] == "applied"
    assert edit.attributes["samebytes.tier"] == "exact"
    assert edit.attributes["samebytes.language"] == "python"
    assert edit.attributes["samebytes.original_bytes"] == len(SECRET)
    assert [step.name for step in steps] == ["parse", "verify"]
    for step in steps:
        assert step.parent.span_id == edit.context.span_id
        assert edit.start_time <= step.start_time <= step.end_time <= edit.end_time
    everything = "".join(span.to_json() for span in [edit, *steps])
    assert "hunter2" not in everything


def test_the_model_tier_has_its_own_steps_and_counts_tokens(exporter):
    async def call(stub):
        original = b"a = 1\nb = 2\nc = 3\n"
        edit = b"# ... existing code ...\nb = 7\n# ... existing code ...\n"
        await stub.ApplyEdit(pb.ApplyEditRequest(original=original, edit=edit, path="a.py"))

    serve(call, tiny_applier(bias=ENDLESS))
    (edit,), steps = spans(exporter)
    assert edit.parent is None
    assert [step.name for step in steps][:3] == ["parse", "locate", "merge"]
    assert edit.attributes["samebytes.tier"] == "model"
    assert edit.attributes["samebytes.tokens.merged"] > 0


def test_every_edit_of_a_stream_is_a_span_of_its_own(exporter):
    async def call(stub):
        requests = [pb.ApplyEditsRequest(request=pb.ApplyEditRequest(original=SECRET, edit=BLOCK))] * 3
        metadata = [("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-bin", b"\xff")]
        async for _ in stub.ApplyEdits(iter(requests), metadata=metadata):
            pass

    serve(call)
    edits, _ = spans(exporter)
    assert [f"{edit.parent.span_id:016x}" for edit in edits] == [PARENT] * 3


def test_a_call_without_an_answer_is_an_error_that_quotes_nothing(exporter):
    async def call(stub):
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ApplyEdit(pb.ApplyEditRequest(original=SECRET, edit=b"new", instruction="bug"))
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ApplyEdit(pb.ApplyEditRequest(format=99), metadata=[("traceparent", "nonsense")])

    serve(call)
    edits, _ = spans(exporter)
    assert [edit.attributes["rpc.grpc.status"] for edit in edits] == ["INTERNAL", "INVALID_ARGUMENT"]
    assert all(edit.status.status_code is trace.StatusCode.ERROR for edit in edits)
    assert "hunter2" not in "".join(edit.to_json() for edit in edits)


def test_without_an_sdk_nothing_is_recorded_and_all_is_answered():
    async def call(stub):
        answer = await stub.ApplyEdit(
            pb.ApplyEditRequest(original=SECRET, edit=BLOCK),
            metadata=[("traceparent", f"00-{TRACE}-{PARENT}-01")],
        )
        assert answer.content == b"hunter2 = 2\n"

    serve(call)
