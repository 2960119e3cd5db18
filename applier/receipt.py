"""Receipts: digests that let anyone check that equal requests gave equal bytes.

- The result digest is the plain SHA-256 of the new file, so that `sha256sum` of the written file must print
  it.
- The request digest is the SHA-256 over all fields that can change the result. Each field is written as its
  name and its value, both with their lengths before them, so that no two requests share an encoding. The
  original goes in as its own SHA-256, which makes it the same number that `expected_sha256` is compared with.
- The fingerprint names the function that was computed: weights, tokenizer, numerics and pipeline. Hardware,
  batch and software build are not in it, because they must not matter.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from .deciders import deciders
from .types import EditRequest, Receipt

# Raise it with every change that can alter the bytes of a result for a given request.
PIPELINE_VERSION = 8

_REQUEST_DOMAIN = b"samebytes request 1"
_FINGERPRINT_DOMAIN = b"samebytes fingerprint 1"
_LARGE = 1 << 20
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sha256")


def sha256(data: bytes) -> str:
    """SHA-256, lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_later(data: bytes) -> Future[str]:
    """The same, on another thread when the data is large: hashing releases the interpreter lock."""
    if len(data) >= _LARGE:
        later = _pool.submit(sha256, data)
        time.sleep(0)  # let the thread have the lock, which it gives back as soon as it hashes
        return later
    done: Future[str] = Future()
    done.set_result(sha256(data))
    return done


def _canonical(value: object) -> bytes:
    """One spelling for each value, after a letter for its type: None and the text "none" differ."""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"?1" if value else b"?0"
    if isinstance(value, bytes):
        return b"b" + value
    if isinstance(value, float):
        return b"f" + (value + 0.0).hex().encode()  # -0.0 becomes 0.0
    if isinstance(value, int):
        return b"i%d" % value
    return b"s" + str(value).encode("utf-8", "surrogatepass")


def digest_fields(domain: bytes, fields: Mapping[str, object]) -> str:
    """SHA-256 over names and values, each with its length before it; `domain` says what is digested."""
    hasher = hashlib.sha256()
    for part in (domain, *(item for name, value in fields.items() for item in (name, value))):
        raw = _canonical(part)
        hasher.update(len(raw).to_bytes(8, "big"))
        hasher.update(raw)
    return hasher.hexdigest()


def request_digest(request: EditRequest, original_sha256: str | None = None) -> str:
    """The digest of a request. Give `original_sha256` where it is known already."""
    options = request.options
    return digest_fields(
        _REQUEST_DOMAIN,
        {
            "original": original_sha256 or sha256(request.original),
            "edit": request.edit,
            "path": request.path,
            "language": request.language,
            "format": request.format.value,
            "instruction": request.instruction,
            "expected_sha256": request.expected_sha256,
            "allow_model": options.allow_model,
            "constrain_to_known_lines": options.constrain_to_known_lines,
            "syntax_gate": options.syntax_gate,
            "min_confidence": None if options.min_confidence is None else float(options.min_confidence),
            **({} if options.accept is None else {"accept": options.accept}),
        },
    )


def fingerprint(weights_sha256: str, tokenizer_sha256: str, numerics_version: int) -> str:
    """The digest of everything that decides a result besides the request. Empty digests mean no model."""
    return digest_of(parts(weights_sha256, tokenizer_sha256, numerics_version))


def digest_of(parts_by_name: Mapping[str, str | int]) -> str:
    """The fingerprint of its `parts`."""
    return digest_fields(_FINGERPRINT_DOMAIN, dict(parts_by_name))


def parts(weights_sha256: str, tokenizer_sha256: str, numerics_version: int) -> dict[str, str | int]:
    """What a fingerprint is made of, by name: model, versions of this package's rules, and `deciders`."""
    return {
        "weights": weights_sha256,
        "tokenizer": tokenizer_sha256,
        "numerics_version": numerics_version,
        "pipeline_version": PIPELINE_VERSION,
        **{f"package {name}": installed for name, installed in deciders().items()},
    }


def make(
    request: EditRequest,
    content: bytes,
    fingerprint: str,
    original_sha256: str | None = None,
    content_sha256: str | None = None,
) -> Receipt:
    """The receipt of a result; `content` is the whole new file, or the original where nothing was applied.

    Give the digests of the original and of the content where they are known already.
    """
    original_sha256 = original_sha256 or sha256(request.original)
    if content_sha256 is None:
        content_sha256 = original_sha256 if content is request.original else sha256(content)
    return Receipt(request_digest(request, original_sha256), content_sha256, fingerprint)
