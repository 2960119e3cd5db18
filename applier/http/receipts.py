"""The receipt in the headers of an answer, and beside what the client's shape has room for."""

from __future__ import annotations

from typing import Any

from applier.types import EditResult


def receipt_headers(result: EditResult) -> dict[str, str]:
    """What anyone can check the answer by, and which part of the pipeline gave it."""
    return {
        "X-Samebytes-Fingerprint": result.receipt.fingerprint,
        "X-Samebytes-Request": result.receipt.request_sha256,
        "X-Samebytes-Result": result.receipt.result_sha256,
        "X-Samebytes-Status": result.status.value,
        "X-Samebytes-Tier": result.tier.value,
        "X-Samebytes-Confidence": f"{result.confidence:.6f}",
    }


def usage(result: EditResult) -> dict[str, int]:
    """Tokens read and written by the model; 0 where none took part."""
    prompt, merged = result.tokens.prompt, result.tokens.merged
    return {"prompt_tokens": prompt, "completion_tokens": merged, "total_tokens": prompt + merged}


def details(result: EditResult) -> dict[str, Any]:
    """`samebytes` in the body, for clients that do not see headers."""
    return {
        "status": result.status.value,
        "tier": result.tier.value,
        "confidence": result.confidence,
        "format": result.format.value,
        "request_sha256": result.receipt.request_sha256,
        "result_sha256": result.receipt.result_sha256,
    }
