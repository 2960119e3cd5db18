"""The factors that a run starts from: those of another run, or those of an adapter file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from kernels.derive.adapter import Adapter, Factors, load_adapter
from training.lora.checkpoints import load_checkpoint
from training.lora.lora_model import NORMS, PROJECTIONS

PREFIX = "base_model.model."  # of peft's names
SMALLEST = 1e-12


def initial_factors(path: Path) -> dict[str, Tensor]:
    """Parameters by name, from an adapter file or from a folder that `Fit.snapshot` wrote.

    Raises FileNotFoundError, AdapterError and CheckpointDamaged.
    """
    if path.is_file():
        return adapter_parameters(load_adapter(path))
    state = load_checkpoint(path)
    if state is None:
        raise FileNotFoundError(f"{path} holds no factors to start from")
    return state["parameters"]


def adapter_parameters(adapter: Adapter) -> dict[str, Tensor]:
    """An adapter as parameters of an `ApplyModel` whose alpha is its rank."""
    out: dict[str, Tensor] = {}
    for i in range(adapter.config.num_layers):
        for name, path in PROJECTIONS.items():
            a, b = balanced(adapter.factors[f"layers.{i}.{name}"])
            out[f"{PREFIX}layers.{i}.{path}.lora_A.default.weight"] = a
            out[f"{PREFIX}layers.{i}.{path}.lora_B.default.weight"] = b
        for name, path in NORMS.items():
            out[f"{PREFIX}layers.{i}.{path}.weight"] = torch.from_numpy(adapter.norms[f"layers.{i}.{name}"])
    out[f"{PREFIX}norm.weight"] = torch.from_numpy(adapter.norms["final_norm"])
    return out


def balanced(factors: Factors) -> tuple[Tensor, Tensor]:
    """a float32 [r, K] and b float32 [N, r] with the product of the integer factors.

    The file keeps the size of each rank in a alone; the optimiser, whose steps are as long in a as in b, gets
    both equally large.
    """
    a8, gain, b8, scale, unit = (
        torch.from_numpy(part).double()
        for part in (factors.a, factors.gain, factors.b, factors.scale, factors.unit)
    )
    a = a8 * gain[:, None] * unit
    b = b8 * scale[:, None]
    size_a = a.pow(2).mean(1).sqrt().clamp_min(SMALLEST)
    size_b = b.pow(2).mean(0).sqrt().clamp_min(SMALLEST)
    ratio = (size_b / size_a).sqrt()
    return (a * ratio[:, None]).float(), (b / ratio).float()
