"""The apply models: pins, download, exact derivation, and where the result is kept."""

from typing import Any

_HOMES = {
    "DEFAULT_MODEL": "applier.models.home",
    "ManifestError": "applier.models.manifest",
    "ModelManifest": "applier.models.manifest",
    "load_manifest": "applier.models.manifest",
    "model_folder": "applier.models.home",
    "samebytes_home": "applier.models.home",
}


def __getattr__(name: str) -> Any:
    """Imports the names on use: where a model lies is told without reading a manifest."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
