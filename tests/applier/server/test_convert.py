"""Conversion between messages and types."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier import types
from applier.api import convert
from applier.api.errors import CallError
from applier.api.v1 import apply_pb2 as pb

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
options = st.builds(
    types.EditOptions,
    allow_model=st.booleans(),
    constrain_to_known_lines=st.booleans(),
    syntax_gate=st.booleans(),
    min_confidence=st.none() | st.floats(0, 1),
    accept=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
)
requests = st.builds(
    types.EditRequest,
    original=st.binary(max_size=40),
    edit=st.binary(max_size=40),
    path=text,
    language=st.none() | text.filter(bool),
    format=st.sampled_from(types.EditFormat),
    instruction=text,
    expected_sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    options=options,
)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
counts = st.integers(0, 2**32 - 1)
refusals = st.builds(
    types.Refusal,
    reason=st.sampled_from(types.RefusalReason),
    message=text,
    candidates=st.lists(st.builds(types.LineRange, counts, counts), max_size=3).map(tuple),
    edit_line=st.none() | counts,
    offer=st.none() | st.builds(types.Offer, st.binary(max_size=40), digests, st.floats(0, 1)),
)
milliseconds = st.floats(0, 1e6)
results = st.builds(
    types.EditResult,
    status=st.sampled_from(types.Status),
    content=st.binary(max_size=40),
    diff=st.binary(max_size=40),
    tier=st.sampled_from(types.Tier),
    confidence=st.floats(0, 1),
    validation=st.builds(
        types.Validation,
        st.none() | text,
        st.none() | counts,
        st.none() | counts,
        counts,
        st.booleans(),
        counts,
    ),
    receipt=st.builds(types.Receipt, digests, digests, digests),
    refusal=st.none() | refusals,
    format=st.sampled_from(types.EditFormat),
    timing=st.builds(types.Timing, *[milliseconds] * 5),
    tokens=st.builds(types.TokenCounts, *[counts] * 5),
)


@given(requests)
def test_a_request_survives_the_wire(request):
    wire = convert.request_to_proto(request).SerializeToString()
    assert convert.request_from_proto(pb.ApplyEditRequest.FromString(wire)) == request


@given(results)
def test_a_result_survives_the_wire(result):
    message = pb.ApplyEditResponse.FromString(convert.result_to_proto(result).SerializeToString())
    assert (message.content, message.diff, message.confidence) == (
        result.content,
        result.diff,
        result.confidence,
    )
    assert pb.Status.Name(message.status) == f"STATUS_{result.status.name}"
    assert pb.Tier.Name(message.tier) == f"TIER_{result.tier.name}"
    assert pb.EditFormat.Name(message.format) == f"EDIT_FORMAT_{result.format.name}"
    assert message.HasField("refusal") == (result.refusal is not None)
    for name in ("validation", "receipt", "timing", "tokens"):
        ours, theirs = getattr(result, name), getattr(message, name)
        for field in theirs.DESCRIPTOR.fields:
            expected = getattr(ours, field.name)
            if field.has_presence:
                assert theirs.HasField(field.name) == (expected is not None)
            assert getattr(theirs, field.name) == (expected if expected is not None else field.default_value)
    if result.refusal is not None:
        refusal = message.refusal
        assert pb.RefusalReason.Name(refusal.reason) == f"REFUSAL_REASON_{result.refusal.reason.name}"
        assert refusal.message == result.refusal.message
        assert tuple(types.LineRange(c.start, c.end) for c in refusal.candidates) == result.refusal.candidates
        assert (refusal.edit_line if refusal.HasField("edit_line") else None) == result.refusal.edit_line


def test_an_unset_field_means_the_default():
    assert convert.request_from_proto(pb.ApplyEditRequest()) == types.EditRequest(b"", b"")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.ApplyEditRequest(path="a\0b"), "path"),
        (pb.ApplyEditRequest(language=""), "language"),
        (pb.ApplyEditRequest(expected_sha256="abc"), "expected_sha256"),
        (pb.ApplyEditRequest(expected_sha256="g" * 64), "expected_sha256"),
        (pb.ApplyEditRequest(format=99), "format"),
        (pb.ApplyEditRequest(options=pb.EditOptions(min_confidence=1.5)), "options.min_confidence"),
        (pb.ApplyEditRequest(options=pb.EditOptions(min_confidence=float("nan"))), "options.min_confidence"),
    ],
)
def test_a_field_without_meaning_is_named(message, field):
    with pytest.raises(CallError) as caught:
        convert.request_from_proto(message)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.field == field
    (detail,) = caught.value.details
    assert [violation.field for violation in detail.field_violations] == [field]
