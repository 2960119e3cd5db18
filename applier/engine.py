"""A model ready to merge: weights on a backend, the prompt's codec, and what was calibrated for it.

`ModelInfo` is read from the model's folder without loading the weights, so that exact edits and
fingerprints cost nothing. Loading checks the weights and the tokenizer against it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .confidence import Calibration, Signal, uncalibrated
from .head_start import NONE, HeadStart
from .prompt import PromptCodec, PromptTemplate
from .receipt import fingerprint, sha256

if TYPE_CHECKING:
    from kernels.model import BackendName, Model

    from .decode import MergeTask
    from .merge import DecodeError, DecodeOptions, Merge
    from .order import MergeOrder
    from .plan import MergePlan
    from .scheduling.scheduler import Scheduler

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
        parts = {
            "tokenizer": self.tokenizer_sha256,
            "template": asdict(self.template),
            "threshold": self.threshold.hex(),
            "head_start": self.head_start.as_dict(),
            "calibration": self.calibration.as_dict() if self.calibration else {},
        }
        prompt = sha256(json.dumps(parts, sort_keys=True).encode())
        return fingerprint(self.weights_sha256, prompt, self.numerics_version)

    def confidence(self, signal: Signal) -> float:
        """How sure a merge is, 0 to 1."""
        return uncalibrated(signal) if self.calibration is None else self.calibration.confidence(signal)


class Engine:
    """A loaded model. Safe to use from several threads.

    A merge runs in the thread that asks for it, or, where a scheduler is set, in passes shared with the
    merges of all threads.
    """

    scheduler: Scheduler | None = None

    def __init__(
        self,
        model: Model,
        codec: PromptCodec,
        options: DecodeOptions | None = None,
        head_start: HeadStart = NONE,
    ) -> None:
        from .merge import DecodeOptions

        self.model, self.codec, self.head_start = model, codec, head_start
        self.options = options or DecodeOptions()
        # A GPU has one stream of passes and one pool of pages: its inline merges go one call at a time.
        self._alone = contextlib.nullcontext() if model.device == "cpu" else threading.Lock()

    @staticmethod
    def load(
        info: ModelInfo,
        backend: BackendName = "auto",
        threads: int | None = None,
        options: DecodeOptions | None = None,
    ) -> Engine:
        """Raises ModelNotFoundError when weights or tokenizer are not those of the manifest, and what
        `kernels.model.load_model` raises.
        """
        from kernels.config import NUMERICS_VERSION
        from kernels.model import load_model

        if info.numerics_version != NUMERICS_VERSION:
            raise ModelNotFoundError(
                f"the model in {info.folder} is for version {info.numerics_version} of the numerics, this is "
                f"{NUMERICS_VERSION}; derive it again with `samebytes model fetch`"
            )
        try:
            tokenizer = (info.folder / "tokenizer.json").read_bytes()
        except OSError as error:
            raise ModelNotFoundError(f"{info.folder} has no tokenizer.json") from error
        model = load_model(info.folder, backend, threads)
        for name, found, wanted in (
            ("tokenizer.json", sha256(tokenizer), info.tokenizer_sha256),
            ("model.safetensors", model.weights_sha256, info.weights_sha256),
        ):
            if found != wanted:
                raise ModelNotFoundError(
                    f"{name} in {info.folder} has SHA-256 {found}, the manifest says {wanted}; "
                    "derive the model again with `samebytes model fetch`"
                )
        return Engine(model, PromptCodec(tokenizer.decode("utf-8"), info.template), options, info.head_start)

    @property
    def max_positions(self) -> int:
        """Tokens of prompt and answer together."""
        return self.model.config.max_position

    def task(self, plan: MergePlan | MergeOrder, hash_logits: bool = False) -> MergeTask:
        """A plan, or what it orders, as a merge to run."""
        from .decode import MergeTask
        from .repeats import Repeats

        order = plan.order(self.codec)
        return MergeTask(
            self.codec,
            order.prompt,
            order.drafter,
            order.constraint,
            order.max_answer,
            self.options,
            hash_logits,
            order.guide,
            self.head_start.of(order.odds),
            Repeats(self.codec, order.limits, () if order.repeats else order.first),
            order.course,
            order.first,
        )

    def run(self, tasks: Sequence[MergeTask]) -> list[Merge | DecodeError]:
        """Runs merges side by side; a merge that found no end gives its DecodeError.

        Raises Cancelled, and what `Scheduler.run` raises where there is one.
        """
        from .scheduling.inline import run_tasks

        if self.scheduler is not None:
            return self.scheduler.run(tasks)
        with self._alone:
            return run_tasks(self.model, tasks, self.options.batch_tokens)
