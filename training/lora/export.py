"""From trained factors to the integer adapter file that is versioned and merged exactly."""

from __future__ import annotations

from pathlib import Path

from kernels.arrays import as_numpy
from kernels.derive.adapter import Adapter, quantize_factors, save_adapter
from training.lora.lora_model import NORMS, PROJECTIONS, ApplyModel


def to_adapter(model: ApplyModel, note: str = "") -> Adapter:
    """The trained factors in integers, and the norm gains."""
    adapter = Adapter(config=model.config, note=note)
    for i, layer in enumerate(model.decoder.layers):
        for name, path in PROJECTIONS.items():
            module = layer.get_submodule(path)
            adapter.factors[f"layers.{i}.{name}"] = quantize_factors(
                module.lora_A["default"].weight.double(),
                module.lora_B["default"].weight.double(),
                module.scaling["default"],
            )
        for name, path in NORMS.items():
            adapter.norms[f"layers.{i}.{name}"] = as_numpy(getattr(layer, path).weight.float()).copy()
    adapter.norms["final_norm"] = as_numpy(model.decoder.norm.weight.float()).copy()
    return adapter


def export_adapter(model: ApplyModel, path: Path, note: str = "") -> str:
    """Writes the adapter file; the SHA-256 of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_adapter(path, to_adapter(model, note))
