"""What a model is made of, pinned by SHA-256: the files `*.json` beside this module."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from applier.models.home import DEFAULT_MODEL

# What is fitted on validation edits once a model is trained.
FITTED = frozenset({"refusal_threshold", "calibration", "proposal_bias", "bias_per_odds"})

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ManifestError(ValueError):
    """There is no such model, or its manifest is malformed."""


class _Pinned(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackagedBase(_Pinned):
    """A base model inside a wheel of the Python package index."""

    requirement: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    wheel_sha256: Sha256
    member: str
    member_sha256: Sha256
    download_bytes: int
    license: str


class AdapterFile(_Pinned):
    """A LoRA adapter in this package."""

    file: str
    sha256: Sha256


class ModelManifest(_Pinned):
    """Everything that decides a model's weights, and the weights that every machine must get from it."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9.-]*$")
    description: str
    base: PackagedBase
    adapter: AdapterFile | None
    numerics_version: int
    weights_sha256: Sha256
    tokenizer_sha256: Sha256
    # Confidence under which a merge is refused, on the scale of `calibration`. None: the pipeline's default.
    refusal_threshold: float | None = Field(default=None, ge=0, le=1)
    # Knots for each kind of merge, and the weights of their strength: `applier.merge.confidence.Calibration`.
    calibration: dict[str, list[tuple[float, float]] | dict[str, float]] | None = None
    # Head start of the alignment's proposal in decoding, in logits: see `applier.merge.confidence`.
    proposal_bias: float = 0.0
    bias_per_odds: float = Field(default=0.0, ge=0)
    # Special tokens by their part of the prompt, where they are not SmolLM2's: see `PromptTemplate`.
    prompt_template: dict[str, str] | None = None

    def served_settings(self) -> dict[str, Any]:
        """What the pipeline reads from the model's folder, besides what conversion writes there."""
        return self.model_dump(mode="json", include={"name", "prompt_template", *FITTED})

    def adapter_path(self) -> Path | None:
        """Where the adapter lies on this machine."""
        return None if self.adapter is None else manifest_folder() / self.adapter.file


def manifest_folder() -> Path:
    """Where the manifests and adapters lie."""
    return Path(str(resources.files("applier.models")))


def known_models() -> list[str]:
    """Names of the models that have a manifest."""
    return sorted(path.stem for path in manifest_folder().glob("*.json"))


def load_manifest(name: str = DEFAULT_MODEL) -> ModelManifest:
    """The manifest of a model by name. Raises ManifestError."""
    if name not in known_models():
        raise ManifestError(f"there is no model {name!r}; there are {', '.join(known_models())}")
    try:
        manifest = ModelManifest.model_validate_json((manifest_folder() / f"{name}.json").read_bytes())
    except ValidationError as error:
        raise ManifestError(f"the manifest of {name} is malformed: {error}") from error
    if manifest.name != name:
        raise ManifestError(f"the manifest in {name}.json is that of {manifest.name!r}")
    return manifest
