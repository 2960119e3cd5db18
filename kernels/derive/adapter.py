"""A LoRA adapter in integers, so that every machine merges it to the same bits.

One safetensors file. For each adapted matrix `name` (`layers.{i}.{q,k,v,o,gate,up,down}`, `embed`,
`head`), of shape [N, K] and rank r:

    {name}.lora_a       int8    [r, K]
    {name}.lora_gain    int32   [r]       1 … 2^24, the size of rank r in steps of `lora_unit`
    {name}.lora_b       int8    [N, r]
    {name}.lora_scale   float16 [N]       0 … 1, the size of a row of b
    {name}.lora_unit    float32 [1]

    P[n, k] = Σ_r lora_b[n, r] × (lora_gain[r] × lora_a[r, k])          an integer below 2^53
    W'[n, k] = W[n, k] + f64(P) × (lora_unit × lora_scale[n])            float64, each operation rounding once

LoRA's alpha / r is inside the unit. Norm gains that training changed are stored whole, as float32, under
their own names (`layers.{i}.attn_norm`, `final_norm`, …) and replace the base's. Rank 128 on all seven
projections of SmolLM2-135M is 39.8 MB. The metadata holds `format`, the config of the base as JSON, and free
text in `note`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kernels.arrays import Array, as_numpy
from kernels.config import ModelConfig
from kernels.digest import file_sha256
from kernels.weights import expected_tensors

FORMAT = "samebytes-lora-int8"
LARGEST_GAIN = 1 << 24
_PARTS = ("lora_a", "lora_gain", "lora_b", "lora_scale", "lora_unit")


class AdapterError(ValueError):
    """The file is not an adapter of this format, or not one for this base."""


@dataclass(frozen=True, slots=True)
class Factors:
    """One matrix: a int8 [r, K], gain int32 [r], b int8 [N, r], scale float16 [N], unit float32 [1]."""

    a: np.ndarray
    gain: np.ndarray
    b: np.ndarray
    scale: np.ndarray
    unit: np.ndarray

    def delta(self) -> np.ndarray:
        """What the adapter adds, float64 [N, K]: an exact integer product, then two element-wise products."""
        gained = self.a.astype(np.float64) * self.gain.astype(np.float64)[:, None]
        product = self.b.astype(np.float64) @ gained
        step = self.unit.astype(np.float64) * self.scale.astype(np.float64)
        return product * step[:, None]


@dataclass(slots=True)
class Adapter:
    """Factors by matrix name, and whole norm gains (float32) by tensor name."""

    config: ModelConfig
    factors: dict[str, Factors] = field(default_factory=dict)
    norms: dict[str, np.ndarray] = field(default_factory=dict)
    note: str = ""
    sha256: str = ""  # of the file it was read from


def quantize_factors(a: Array, b: Array, scaling: float = 1.0) -> Factors:
    """Trained LoRA factors a [r, K] and b [N, r] of `W + scaling × b @ a` → integers.

    Each rank's column of b is first brought to a largest value of 1 (its size moves to a), so that all ranks
    share one scale a row of b. On random factors the delta errs by 1 % of its norm.
    """
    a64, b64 = as_numpy(a).astype(np.float64), as_numpy(b).astype(np.float64) * scaling
    column = np.abs(b64).max(axis=0)
    column = np.where(column == 0, 1.0, column)
    b64, a64 = b64 / column, a64 * column[:, None]

    scale = np.abs(b64).max(axis=1).astype(np.float16)
    b8 = np.rint(b64 * 127 / np.where(scale == 0, 1, scale).astype(np.float64)[:, None]).clip(-127, 127)
    size = np.abs(a64).max(axis=1) / 127
    unit = np.float32(max(float(size.max()) / LARGEST_GAIN, 2.0**-100))
    gain = np.rint(size / float(unit)).clip(1, LARGEST_GAIN).astype(np.int32)
    a8 = np.rint(a64 / (gain * float(unit))[:, None]).clip(-127, 127)
    return Factors(
        a=a8.astype(np.int8),
        gain=gain,
        b=b8.astype(np.int8),
        scale=scale,
        unit=np.array([unit / 127], np.float32),
    )


def save_adapter(path: str | Path, adapter: Adapter) -> str:
    """Writes the adapter and returns the SHA-256 of the file. Raises AdapterError when it does not fit."""
    check_adapter(adapter)
    tensors: dict[str, np.ndarray] = dict(adapter.norms)
    for name, factors in adapter.factors.items():
        parts = (factors.a, factors.gain, factors.b, factors.scale, factors.unit)
        tensors.update({f"{name}.{part}": tensor for part, tensor in zip(_PARTS, parts, strict=True)})
    metadata = {"format": FORMAT, "config": adapter.config.to_json(), "note": adapter.note}
    save_file(
        {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, str(path), metadata=metadata
    )
    return file_sha256(Path(path))


def load_adapter(path: str | Path) -> Adapter:
    """Reads and checks an adapter. Raises AdapterError."""
    path = Path(path)
    try:
        with safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise AdapterError(f"{path}: not readable as safetensors: {error}") from error
    if metadata.get("format") != FORMAT:
        raise AdapterError(f"{path}: not a {FORMAT} file")
    adapter = Adapter(
        config=ModelConfig.from_json(metadata["config"]),
        note=metadata.get("note", ""),
        sha256=file_sha256(path),
        **_arrange(path, tensors),
    )
    check_adapter(adapter)
    return adapter


def _arrange(path: Path, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    names = sorted({name.rpartition(".")[0] for name in tensors if name.endswith(".lora_a")})
    used = {f"{name}.{part}" for name in names for part in _PARTS}
    if missing := sorted(used - tensors.keys()):
        raise AdapterError(f"{path}: {missing[0]} is missing")
    return {
        "factors": {name: Factors(*(tensors[f"{name}.{part}"] for part in _PARTS)) for name in names},
        "norms": {name: tensor for name, tensor in tensors.items() if name not in used},
    }


def check_adapter(adapter: Adapter) -> None:
    """Raises AdapterError unless every tensor fits the adapter's config and the product stays below 2^53."""
    expected = expected_tensors(adapter.config)
    for name, factors in adapter.factors.items():
        if f"{name}.weight" not in expected:
            raise AdapterError(f"{name} is not a matrix of the base")
        n, k = expected[f"{name}.weight"][1]
        rank = factors.a.shape[0]
        want: tuple[tuple[type, tuple[int, ...]], ...] = (
            (np.int8, (rank, k)),
            (np.int32, (rank,)),
            (np.int8, (n, rank)),
            (np.float16, (n,)),
        )
        parts = (factors.a, factors.gain, factors.b, factors.scale)
        for part, (dtype, shape) in zip(parts, want, strict=True):
            if part.dtype != dtype or tuple(part.shape) != shape:
                found = f"{part.dtype} {list(part.shape)}"
                raise AdapterError(f"{name}: a factor is {found}, not {dtype.__name__} {list(shape)}")
        if int(factors.gain.min()) < 1 or int(factors.gain.max()) > LARGEST_GAIN:
            raise AdapterError(f"{name}: a gain is not in 1 … 2^24")
        if rank * 127 * 127 * LARGEST_GAIN >= 2**53:
            raise AdapterError(f"{name}: rank {rank} could overflow an exact product")
        if not (np.isfinite(factors.scale).all() and np.isfinite(factors.unit).all()):
            raise AdapterError(f"{name}: a scale is not finite")
    for name, tensor in adapter.norms.items():
        if not name.endswith("norm") or name not in expected:
            raise AdapterError(f"{name} is not a norm of the base")
        dtype, shape = expected[name]
        if tensor.dtype != dtype or tuple(tensor.shape) != shape or not np.isfinite(tensor).all():
            raise AdapterError(f"{name} is not a finite {dtype.__name__} {list(shape)}")
