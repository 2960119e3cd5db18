"""From a request's bytes to lines and a parsed edit, or a refusal."""

from __future__ import annotations

from collections.abc import Callable

from ..text.source_text import MAX_BYTES, SourceText, TextError, decode_edit
from ..types import EditRequest, Refusal, RefusalReason
from . import EditParseError, ParsedEdit, parse_edit


def unreadable(request: EditRequest, original_sha256: Callable[[], str]) -> Refusal | None:
    """Why a request is refused before anything of it is read; None when it is not."""
    expected = request.expected_sha256
    if expected is not None and expected.lower() != original_sha256():
        return Refusal(
            RefusalReason.STALE_ORIGINAL,
            "The file is not the one that the edit was made for: its SHA-256 differs from the "
            "expected one. Read it again and renew the edit.",
        )
    if not request.edit.strip():
        return Refusal(RefusalReason.EMPTY_EDIT, "The edit is empty. Send the changed lines.")
    if len(request.edit) > MAX_BYTES:
        return Refusal(RefusalReason.TOO_LARGE, f"The edit has more than {MAX_BYTES:,} bytes. Split it.")
    return None


def _is_fenced(body: bytes) -> bool:
    """Whether the first and the last line of a file are fences."""
    body = body.strip()
    first, last = body[: body.find(b"\n") + 1], body[body.rfind(b"\n") + 1 :]
    return all(line.startswith((b"```", b"~~~")) for line in (first, last))


def read(request: EditRequest, language: str | None) -> tuple[SourceText, ParsedEdit] | Refusal:
    """The file's lines and the edit."""
    try:
        source = SourceText.decode(request.original)
        text = decode_edit(request.edit, source.encoding)
        fenced = _is_fenced(source.body)
        return source, parse_edit(text, request.format, request.path, language, fenced=fenced)
    except TextError as error:
        return Refusal(error.reason, error.message)
    except EditParseError as error:
        return Refusal(RefusalReason.UNPARSABLE_EDIT, str(error), edit_line=error.line)
