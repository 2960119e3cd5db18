"""From bytes to UTF-8 and back: which encoding a file has, and what is no text at all.

Decoding is strict, so that encoding again gives the same bytes for every file that is accepted. A byte order
mark decides; without one, a file is UTF-8 if it can be, else Windows-1252, else Latin-1. NUL and control
bytes make a file binary.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from ..types import RefusalReason

MAX_BYTES = 64 << 20


class TextError(ValueError):
    """Bytes that are no text, or text that the file's encoding cannot hold."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec and the byte order mark that the file starts with."""

    codec: str
    bom: bytes = b""


UTF8 = Encoding("utf-8")
# UTF-32 LE before UTF-16 LE: the shorter mark is a prefix of the longer one.
_WITH_BOM = (
    Encoding("utf-8", codecs.BOM_UTF8),
    Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    Encoding("utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    Encoding("utf-16-be", codecs.BOM_UTF16_BE),
)
# Bytes that no text in an 8-bit encoding has: C0 controls but tab, LF, VT, FF, CR and escape.
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27}) + b"\x7f"
_BINARY_HINT = "It is left as it is. Only text files can be edited."


def decode_bytes(data: bytes) -> tuple[bytes, Encoding]:
    """(UTF-8 body, encoding). Raises `TextError` for binary and for malformed text."""
    for encoding in _WITH_BOM:
        if data.startswith(encoding.bom):
            raw = data[len(encoding.bom) :]
            try:
                text = raw.decode(encoding.codec)
            except UnicodeDecodeError as error:
                raise TextError(
                    RefusalReason.UNDECODABLE,
                    f"The file starts with a {encoding.codec} byte order mark but is malformed at byte "
                    f"{len(encoding.bom) + error.start}: {error.reason}. It is left as it is.",
                ) from None
            body = raw if encoding.codec == "utf-8" else text.encode("utf-8")
            _refuse_nul(body)
            return body, encoding
    _refuse_nul(data)
    if data.isascii():
        return data, UTF8
    try:
        data.decode("utf-8")
        return data, UTF8
    except UnicodeDecodeError:
        pass
    if len(data.translate(None, _CONTROL)) != len(data):
        raise TextError(
            RefusalReason.BINARY_FILE, f"The file has control bytes and is no UTF-8. {_BINARY_HINT}"
        )
    for codec in ("cp1252", "latin-1"):
        try:
            return data.decode(codec).encode("utf-8"), Encoding(codec)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def has_mark(data: bytes) -> bool:
    """Whether the bytes start with a byte order mark."""
    return data.startswith(tuple(encoding.bom for encoding in _WITH_BOM))


def _refuse_nul(body: bytes) -> None:
    at = body.find(0)
    if at >= 0:
        raise TextError(
            RefusalReason.BINARY_FILE, f"The file has a NUL character at byte {at}. {_BINARY_HINT}"
        )


def decode_edit(edit: bytes, encoding: Encoding = UTF8) -> str:
    """The text of an edit: UTF-8, or what its byte order mark says, or the encoding of the file that it
    edits.

    Raises:
        TextError: none of these fits, or the text has a NUL character.
    """
    if len(edit) > MAX_BYTES:
        raise TextError(
            RefusalReason.TOO_LARGE, f"The edit has {len(edit):,} bytes; at most {MAX_BYTES:,} are accepted."
        )
    for candidate in (*_WITH_BOM, UTF8, encoding):
        if edit.startswith(candidate.bom):
            try:
                text = edit[len(candidate.bom) :].decode(candidate.codec)
            except UnicodeDecodeError:
                continue
            if "\0" in text:
                raise TextError(
                    RefusalReason.UNPARSABLE_EDIT, "The edit has a NUL character. Send it as text."
                )
            return text
    raise TextError(RefusalReason.UNPARSABLE_EDIT, "The edit is not valid UTF-8. Send it as UTF-8 text.")
