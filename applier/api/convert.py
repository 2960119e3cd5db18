"""Messages of `applier.api.v1` from and to `applier.types`. Nothing is added and nothing is lost."""

from __future__ import annotations

import re
from typing import Any

from applier import types
from applier.api.errors import invalid_field
from applier.api.v1 import apply_pb2 as pb


def result_from_proto(message: pb.ApplyEditResponse) -> types.EditResult:
    """The inverse of `applier.api.convert.result_to_proto`."""
    refusal = message.refusal
    return types.EditResult(
        status=types.Status[_name(pb.Status, message.status)],
        content=message.content,
        diff=message.diff,
        tier=types.Tier[_name(pb.Tier, message.tier)],
        confidence=message.confidence,
        validation=types.Validation(
            language=_optional(message.validation, "language"),
            syntax_errors_before=_optional(message.validation, "syntax_errors_before"),
            syntax_errors_after=_optional(message.validation, "syntax_errors_after"),
            outside_bytes_changed=message.validation.outside_bytes_changed,
            diff_round_trips=message.validation.diff_round_trips,
            placeholder_leaks=message.validation.placeholder_leaks,
            syntax_unknown=message.validation.syntax_unknown,
        ),
        receipt=types.Receipt(
            message.receipt.request_sha256, message.receipt.result_sha256, message.receipt.fingerprint
        ),
        refusal=types.Refusal(
            types.RefusalReason[_name(pb.RefusalReason, refusal.reason)],
            refusal.message,
            tuple(types.LineRange(lines.start, lines.end) for lines in refusal.candidates),
            _optional(refusal, "edit_line"),
            types.Offer(refusal.offer.diff, refusal.offer.result_sha256, refusal.offer.confidence)
            if refusal.HasField("offer")
            else None,
        )
        if message.HasField("refusal")
        else None,
        format=types.EditFormat[_name(pb.EditFormat, message.format)],
        timing=types.Timing(*(getattr(message.timing, name) for name in types.Timing.__slots__)),
        tokens=types.TokenCounts(*(getattr(message.tokens, name) for name in types.TokenCounts.__slots__)),
    )


def _name(enum: Any, number: int) -> str:
    """`APPLIED` of `STATUS_APPLIED`: the enum's own name in capitals is the prefix."""
    prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in enum.DESCRIPTOR.name).lstrip("_")
    return enum.Name(number).removeprefix(f"{prefix}_")


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def request_from_proto(message: pb.ApplyEditRequest) -> types.EditRequest:
    """Raises CallError (INVALID_ARGUMENT) where a field has no meaning."""
    if "\0" in message.path:
        raise invalid_field("path", "contains a NUL character")
    language = message.language if message.HasField("language") else None
    if language == "":
        raise invalid_field("language", "is empty; leave it unset to have it found from the path")
    sha256 = message.expected_sha256 if message.HasField("expected_sha256") else None
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise invalid_field("expected_sha256", "is not 64 hexadecimal digits")
    return types.EditRequest(
        original=message.original,
        edit=message.edit,
        path=message.path,
        language=language,
        format=_format_from_proto(message.format),
        instruction=message.instruction,
        expected_sha256=sha256.lower() if sha256 else None,
        options=options_from_proto(message.options),
    )


def _format_from_proto(number: int) -> types.EditFormat:
    if number == pb.EDIT_FORMAT_UNSPECIFIED:
        return types.EditFormat.AUTO
    try:
        name = pb.EditFormat.Name(number)
    except ValueError as error:
        raise invalid_field("format", f"{number} is not an EditFormat") from error
    return types.EditFormat[name.removeprefix("EDIT_FORMAT_")]


def options_from_proto(message: pb.EditOptions) -> types.EditOptions:
    """Raises CallError (INVALID_ARGUMENT) where an option has no meaning."""
    stated = {field.name: value for field, value in message.ListFields()}
    confidence = stated.get("min_confidence")
    if confidence is not None and not 0 <= confidence <= 1:
        raise invalid_field("options.min_confidence", "is not between 0 and 1")
    accept = stated.get("accept")
    if accept is not None:
        if not _SHA256.fullmatch(accept):
            raise invalid_field("options.accept", "is not 64 hexadecimal digits")
        stated["accept"] = accept.lower()
    return types.EditOptions(**stated)


def options_to_proto(options: types.EditOptions) -> pb.EditOptions:
    """The inverse of `options_from_proto`; for clients."""
    return pb.EditOptions(
        allow_model=options.allow_model,
        constrain_to_known_lines=options.constrain_to_known_lines,
        syntax_gate=options.syntax_gate,
        min_confidence=options.min_confidence,
        accept=options.accept,
    )


def request_to_proto(request: types.EditRequest) -> pb.ApplyEditRequest:
    """The inverse of `request_from_proto`; for clients."""
    return pb.ApplyEditRequest(
        original=request.original,
        edit=request.edit,
        path=request.path,
        language=request.language,
        format=f"EDIT_FORMAT_{request.format.name}",
        instruction=request.instruction,
        expected_sha256=request.expected_sha256,
        options=options_to_proto(request.options),
    )


def result_to_proto(result: types.EditResult) -> pb.ApplyEditResponse:
    """Every field of the result; unset where the result has None."""
    validation, receipt, timing, tokens = result.validation, result.receipt, result.timing, result.tokens
    return pb.ApplyEditResponse(
        status=f"STATUS_{result.status.name}",
        content=result.content,
        diff=result.diff,
        tier=f"TIER_{result.tier.name}",
        confidence=result.confidence,
        validation=pb.Validation(
            language=validation.language,
            syntax_errors_before=validation.syntax_errors_before,
            syntax_errors_after=validation.syntax_errors_after,
            outside_bytes_changed=validation.outside_bytes_changed,
            diff_round_trips=validation.diff_round_trips,
            placeholder_leaks=validation.placeholder_leaks,
            syntax_unknown=validation.syntax_unknown,
        ),
        receipt=pb.Receipt(
            request_sha256=receipt.request_sha256,
            result_sha256=receipt.result_sha256,
            fingerprint=receipt.fingerprint,
        ),
        refusal=None if result.refusal is None else _refusal_to_proto(result.refusal),
        format=f"EDIT_FORMAT_{result.format.name}",
        timing=pb.Timing(
            parse_ms=timing.parse_ms,
            load_ms=timing.load_ms,
            locate_ms=timing.locate_ms,
            merge_ms=timing.merge_ms,
            verify_ms=timing.verify_ms,
            total_ms=timing.total_ms,
        ),
        tokens=pb.TokenCounts(
            prompt=tokens.prompt,
            merged=tokens.merged,
            drafted=tokens.drafted,
            accepted=tokens.accepted,
            passes=tokens.passes,
        ),
    )


def _refusal_to_proto(refusal: types.Refusal) -> pb.Refusal:
    return pb.Refusal(
        reason=f"REFUSAL_REASON_{refusal.reason.name}",
        message=refusal.message,
        candidates=[pb.LineRange(start=lines.start, end=lines.end) for lines in refusal.candidates],
        edit_line=refusal.edit_line,
        offer=None
        if refusal.offer is None
        else pb.Offer(
            diff=refusal.offer.diff,
            result_sha256=refusal.offer.result_sha256,
            confidence=refusal.offer.confidence,
        ),
    )
