"""A result as bytes, and back.

The new file is not kept: it is the original, which every request brings along, with the diff applied. So an
entry is as small as its edit. Reading it proves it: an entry begins with the SHA-256 of the rest, and the
rebuilt file must have the one that the receipt states, or an offer where the diff is that of one.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

from pydantic import TypeAdapter

from ..receipt import sha256
from ..text.unified_diff import apply_diff
from ..types import EditRequest, EditResult, Timing, TokenCounts
from .store import CorruptEntry, Key

_RESULT = TypeAdapter(EditResult)
_LENGTH = struct.Struct(">I")
_HASH = 32


def without_work(result: EditResult) -> EditResult:
    """The result without how it was obtained: times, and tokens that went through the model."""
    return replace(result, timing=Timing(), tokens=TokenCounts())


def encode(result: EditResult) -> bytes:
    """The result without its content: SHA-256 of the rest, length of the JSON, the JSON, the diff.

    A refusal has no diff; that of its offer, if it has one, stands in that place.
    """
    header = _RESULT.dump_json(_with_offered_diff(replace(without_work(result), content=b"", diff=b""), b""))
    offer = result.refusal.offer if result.refusal else None
    rest = _LENGTH.pack(len(header)) + header + (result.diff if offer is None else offer.diff)
    return hashlib.sha256(rest).digest() + rest


def decode(entry: bytes, key: Key, request: EditRequest) -> EditResult:
    """The result for `request`, whose key is `key`. Times and tokens are zero.

    Raises CorruptEntry where the entry is damaged, belongs to another key, or does not give the file that its
    receipt states.
    """
    stated, rest = entry[:_HASH], entry[_HASH:]
    if hashlib.sha256(rest).digest() != stated:
        raise CorruptEntry("a memo entry is not what was put there")
    try:
        (length,) = _LENGTH.unpack_from(rest)
        end = _LENGTH.size + length
        result = _RESULT.validate_json(rest[_LENGTH.size : end])
        diff = rest[end:]
        content = apply_diff(request.original, diff) if diff else request.original
    except (struct.error, ValueError) as error:  # pydantic's and the diff's errors are ValueErrors
        raise CorruptEntry(f"a memo entry cannot be read: {type(error).__name__}") from error
    receipt = result.receipt
    if Key(receipt.request_sha256, receipt.fingerprint) != key:
        raise CorruptEntry("a memo entry belongs to another request or fingerprint")
    offer = result.refusal.offer if result.refusal else None
    if sha256(content) != (receipt if offer is None else offer).result_sha256:
        raise CorruptEntry("a memo entry does not give the file that its receipt or offer states")
    if offer is not None:
        return replace(_with_offered_diff(result, diff), content=request.original)
    return replace(result, content=content, diff=diff)


def _with_offered_diff(result: EditResult, diff: bytes) -> EditResult:
    """The result with another diff in its offer, if it has one."""
    refusal = result.refusal
    if refusal is None or refusal.offer is None:
        return result
    return replace(result, refusal=replace(refusal, offer=replace(refusal.offer, diff=diff)))
