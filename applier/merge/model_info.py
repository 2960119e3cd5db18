"""What a model's manifest says, read without loading the weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..receipt import digest_of, parts, sha256
from .confidence import NONE, Calibration, HeadStart, Signal, uncalibrated
from .prompt import PromptTemplate

MANIFEST_FILE = "manifest.json"


UNCALIBRATED_THRESHOLD = 0.5  # a margin of 1 on the scale of logits


class ModelNotFoundError(ValueError):
    """The folder holds no model, or a part of one."""


@dataclass(frozen=True)
class ModelInfo:
    """What the manifest in a model's folder says."""

    folder: Path
    weights_sha256: str
    tokenizer_sha256: str
    numerics_version: int
    threshold: float  # merges with less confidence are refused
    template: PromptTemplate
    calibration: Calibration | None
    head_start: HeadStart = NONE  # of the baseline's proposal

    @staticmethod
    def read(folder: Path) -> ModelInfo:
        """Raises ModelNotFoundError when the folder or its manifest is missing or malformed."""
        path = folder / MANIFEST_FILE
        try:
            data: dict[str, Any] = json.loads(path.read_text("utf-8"))
            calibration = data.get("calibration")
            return ModelInfo(
                folder=folder,
                weights_sha256=str(data["weights_sha256"]),
                tokenizer_sha256=str(data["tokenizer_sha256"]),
                numerics_version=int(data["numerics_version"]),
                threshold=float(data.get("refusal_threshold") or UNCALIBRATED_THRESHOLD),
                template=PromptTemplate.from_dict(data.get("prompt_template") or {}),
                calibration=Calibration.from_dict(calibration) if calibration else None,
                head_start=HeadStart(
                    float(data.get("proposal_bias") or 0.0), float(data.get("bias_per_odds") or 0.0)
                ),
            )
        except OSError as error:
            raise ModelNotFoundError(
                f"there is no model in {folder}; make one with `samebytes model fetch`"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelNotFoundError(f"{path} is no model manifest: {error!r}") from error

    def fingerprint(self) -> str:
        """The digest of everything besides a request that decides its result."""
        return digest_of(self.parts())

    def parts(self) -> dict[str, str | int]:
        """What the fingerprint is made of, by name."""
        prompt_parts = {
            "tokenizer": self.tokenizer_sha256,
            "template": asdict(self.template),
            "threshold": self.threshold.hex(),
            "head_start": self.head_start.as_dict(),
            "calibration": self.calibration.as_dict() if self.calibration else {},
        }
        prompt = sha256(json.dumps(prompt_parts, sort_keys=True).encode())
        return parts(self.weights_sha256, prompt, self.numerics_version)

    def confidence(self, signal: Signal) -> float:
        """How sure a merge is, 0 to 1."""
        return uncalibrated(signal) if self.calibration is None else self.calibration.confidence(signal)
