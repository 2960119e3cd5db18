"""Where derived models are kept on this machine."""

from __future__ import annotations

from pathlib import Path

from kernels.native import cache_folder as samebytes_home

__all__ = ["model_folder", "model_or_default", "samebytes_home"]

DEFAULT_MODEL = "smollm2-135m-apply"


def model_or_default(model: Path | None) -> Path:
    """The folder of a model, the default one's for None."""
    if model is None:
        return model_folder(DEFAULT_MODEL)
    return model


def model_folder(name: str) -> Path:
    """Where a model lies: `model.safetensors`, `tokenizer.json`, `config.json` and `manifest.json`."""
    return samebytes_home() / "models" / name
