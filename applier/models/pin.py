"""Write the manifest of a new model: derive its weights once, and pin what came out."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from applier.models.download import check_sha256
from applier.models.install import base_file
from applier.models.manifest import AdapterFile, ModelManifest, load_manifest, manifest_folder
from kernels.config import NUMERICS_VERSION
from kernels.derive.convert import convert_base
from kernels.digest import file_sha256
from kernels.weights import load_weights


def pin_model(
    name: str,
    description: str,
    base_of: str,
    adapter: Path | None,
    source: Path | None = None,
    refusal_threshold: float | None = None,
    calibration: dict[str, list[tuple[float, float]] | dict[str, float]] | None = None,
    proposal_bias: float = 0.0,
    bias_per_odds: float = 0.0,
) -> Path:
    """Write NAME.json, and NAME.safetensors for the adapter, beside the other manifests; the manifest's path.

    The base is that of the model `base_of`; `source` is its wheel or .gguf file where it is on this machine.
    Raises FetchError, ManifestError, pydantic.ValidationError, and what conversion raises.
    """
    template = load_manifest(base_of)
    with tempfile.TemporaryDirectory() as scratch:
        base = base_file(template, Path(scratch), source, progress=lambda _: None)
        made = convert_base(base, Path(scratch) / "made", adapter)
        manifest = ModelManifest(
            name=name,
            description=description,
            base=template.base,
            adapter=_adapter_file(name, adapter),
            numerics_version=NUMERICS_VERSION,
            weights_sha256=load_weights(made).sha256,
            tokenizer_sha256=file_sha256(made / "tokenizer.json"),
            refusal_threshold=refusal_threshold,
            calibration=calibration,
            proposal_bias=proposal_bias,
            bias_per_odds=bias_per_odds,
            prompt_template=template.prompt_template,
        )
    path = manifest_folder() / f"{name}.json"
    path.write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
    return path


def _adapter_file(name: str, adapter: Path | None) -> AdapterFile | None:
    """Copy the adapter to its place beside the manifest."""
    if adapter is None:
        return None
    sha256 = file_sha256(adapter)
    target = manifest_folder() / f"{name}.safetensors"
    if adapter.resolve() != target.resolve():
        shutil.copyfile(adapter, target)
    check_sha256(target, sha256)
    return AdapterFile(file=target.name, sha256=sha256)
