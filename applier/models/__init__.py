"""The apply models: pins, download, exact derivation, and where the result is kept."""

from applier.models.home import model_folder, samebytes_home
from applier.models.manifest import DEFAULT_MODEL, ManifestError, ModelManifest, load_manifest

__all__ = [
    "DEFAULT_MODEL",
    "ManifestError",
    "ModelManifest",
    "load_manifest",
    "model_folder",
    "samebytes_home",
]
