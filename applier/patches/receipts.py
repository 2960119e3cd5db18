"""The receipt of a patch: one for all its files, of the same kind as that of one edit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from applier.patches.types import PatchRequest
from applier.receipt import digest_fields, sha256
from applier.types import Receipt

_REQUEST_DOMAIN = b"samebytes patch request 1"
_RESULT_DOMAIN = b"samebytes patch result 1"


def patch_receipt(request: PatchRequest, after: Mapping[str, bytes], fingerprint: str) -> Receipt:
    """`after` are all files when the patch is done, by path: what it changed, and what it did not."""
    before = {file.path: file.content for file in request.files}
    asked: dict[str, object] = {
        "patch": request.patch,
        "instruction": request.instruction,
        **{
            f"option {name}": value
            for name, value in dataclasses.asdict(request.options).items()
            if name != "accept"  # of one file's offer; a patch has none
        },
        **_files(before),
    }
    return Receipt(
        digest_fields(_REQUEST_DOMAIN, asked), digest_fields(_RESULT_DOMAIN, _files(after)), fingerprint
    )


def _files(files: Mapping[str, bytes]) -> dict[str, object]:
    return {f"file {path}": sha256(files[path]) for path in sorted(files)}
