"""An EditResult as plain JSON values."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

from applier.types import EditResult


def result_to_dict(result: EditResult) -> dict[str, Any]:
    """Every field of the result. `content` and every `diff` are text where they are UTF-8, else base64 under
    `content_base64` and `diff_base64`.
    """
    fields = dataclasses.asdict(result)
    _as_text(fields, "content", "diff")
    if result.refusal is not None and result.refusal.offer is not None:
        _as_text(fields["refusal"]["offer"], "diff")
    return fields


def _as_text(fields: dict[str, Any], *names: str) -> None:
    for name in names:
        data: bytes = fields.pop(name)
        try:
            fields[name] = data.decode("utf-8")
        except UnicodeDecodeError:
            fields[f"{name}_base64"] = base64.b64encode(data).decode("ascii")
