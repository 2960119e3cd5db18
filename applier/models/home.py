"""Where derived models are kept on this machine."""

from __future__ import annotations

from pathlib import Path

from kernels.native import cache_folder


def model_or_default(model: Path | None) -> Path:
    """The folder of a model, the default one's for None."""
    if model is None:
        from applier.models.home import model_folder
        from applier.models.manifest import DEFAULT_MODEL

        return model_folder(DEFAULT_MODEL)
    return model


def samebytes_home() -> Path:
    """`$SAMEBYTES_HOME`, else `$XDG_CACHE_HOME/samebytes`, else `~/.cache/samebytes`; may not exist."""
    return cache_folder()


def model_folder(name: str) -> Path:
    """Where a model lies: `model.safetensors`, `tokenizer.json`, `config.json` and `manifest.json`."""
    return samebytes_home() / "models" / name
