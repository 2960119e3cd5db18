"""From a floating-point checkpoint (and an adapter) to the int8 folder that is served.

Every step is exact or rounds element by element in float64, so every machine derives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from kernels.config import NUMERICS_VERSION
from kernels.derive.adapter import Adapter, AdapterError, load_adapter
from kernels.derive.checkpoint import Checkpoint, open_checkpoint
from kernels.weights import SMALLEST_SCALE, WeightsError, expected_tensors, save_weights


class PinMismatch(WeightsError):
    """The derived weights are not the pinned ones."""


def quantize_weight(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 [N, K] → int8 [N, K] and one float32 scale a row, as NUMERICS.md ("Weights") says."""
    widest = np.abs(w).max(axis=1)
    s = np.maximum((widest / 127).astype(np.float32), np.float32(SMALLEST_SCALE))
    s = np.where(widest == 0, np.float32(0), s)
    q = np.rint(w / np.where(s == 0, np.float32(1), s).astype(np.float64)[:, None]).clip(-127, 127)
    return q.astype(np.int8), s


def derive_tensors(base: Checkpoint, adapter: Adapter | None = None) -> dict[str, np.ndarray]:
    """Tensors of the int8 container. Raises AdapterError when the adapter was made for another shape."""
    if adapter is not None and adapter.config != base.config:
        raise AdapterError("the adapter was trained on a base of another shape")
    tensors: dict[str, np.ndarray] = {}
    for name in expected_tensors(base.config):
        stem, _, part = name.rpartition(".")
        if part == "scale":
            continue
        if part == "weight":
            value = base.tensor(stem)
            if adapter is not None and stem in adapter.factors:
                value = value + adapter.factors[stem].delta()
            tensors[name], tensors[f"{stem}.scale"] = quantize_weight(value)
        elif adapter is not None and name in adapter.norms:
            tensors[name] = adapter.norms[name]
        else:
            tensors[name] = base.tensor(name).astype(np.float32)
    return tensors


def convert_base(
    base: str | Path,
    out: str | Path,
    adapter: str | Path | None = None,
    expect_sha256: str | None = None,
) -> Path:
    """Writes `model.safetensors`, `tokenizer.json`, `config.json` and `manifest.json` into the folder `out`.

    `base` is a .gguf file or a Hugging Face folder. Raises CheckpointError, AdapterError, ConfigError, and
    PinMismatch when the content hash of the weights is not `expect_sha256` (the weights are then removed).
    """
    checkpoint = open_checkpoint(base)
    loaded = load_adapter(adapter) if adapter is not None else None
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = checkpoint.tokenizer_json()
    (folder / "tokenizer.json").write_bytes(tokenizer)
    (folder / "config.json").write_text(checkpoint.config.to_json() + "\n", "utf-8")
    weights_path = folder / "model.safetensors"
    weights_sha256 = save_weights(weights_path, checkpoint.config, derive_tensors(checkpoint, loaded))
    if expect_sha256 is not None and weights_sha256 != expect_sha256:
        weights_path.unlink()
        raise PinMismatch(f"derived weights {weights_sha256}, the pin is {expect_sha256}")
    manifest = {
        "numerics_version": NUMERICS_VERSION,
        "weights_sha256": weights_sha256,
        "tokenizer_sha256": hashlib.sha256(tokenizer).hexdigest(),
        "base": checkpoint.source(),
        "adapter_sha256": loaded.sha256 if loaded is not None else None,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return folder
