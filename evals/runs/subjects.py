"""What is measured: anything that turns an EditRequest into an EditResult under a fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from applier.engine.engine import Engine
from applier.merge.model_info import MANIFEST_FILE, ModelInfo
from applier.merge.prompt import PromptCodec
from applier.models.home import model_or_default
from applier.pipeline import Applier
from applier.types import EditRequest, EditResult
from evals.runs.config import Backend
from evals.runs.provenance import NO_CACHES, Provenance, provenance

if TYPE_CHECKING:
    from applier.merge.order import Orders
    from applier.merge.result import DecodeError, Merge

BASELINE_POSITIONS = 8192


class Subject(Protocol):
    """The Applier, a remote applier, or a baseline."""

    def apply(self, request: EditRequest) -> EditResult:
        """The result; refusals are results, exceptions make the sample unscored."""
        ...

    def fingerprint(self) -> str:
        """The fingerprint that the results are given under."""
        ...


class BaselineEngine(Engine):
    """Takes the aligner's proposal, which is the model's first draft, for the answer: the merge with no
    model.

    Everything around it (parsing, the exact tier, the window, the checks) is the applier's own, so any
    difference in a score comes from the model.
    """

    def __init__(self, codec: PromptCodec) -> None:
        self.codec = codec

    @property
    def max_positions(self) -> int:
        """As long a context as the model's."""
        return BASELINE_POSITIONS

    def task(self, plan: Orders, hash_logits: bool = False) -> Any:
        """The plan is the task."""
        return plan

    def run(self, tasks: Sequence[Any]) -> list[Merge | DecodeError]:
        """The proposals, without a model that could doubt them."""
        from applier.merge.result import Merge

        return [
            Merge(
                ids=tuple(plan.drafter.first()),
                margin=float("inf"),
                weakest=0,
                decisions=0,
                agrees=True,
                prompt_tokens=0,
                drafted=0,
                accepted=0,
                passes=0,
                logits_sha256=None,
            )
            for plan in tasks
        ]


def open_applier(model: Path | None, backend: Backend = "auto", threads: int | None = None) -> Applier:
    """The applier over a model folder. Raises ModelNotFoundError where there is no model: the accuracy of the
    exact tier alone, presented as the model's, would mislead.
    """
    return Applier.from_model_dir(model_or_default(model), backend, threads)


def open_baseline(model: Path | None) -> Applier:
    """The baseline, with the tokenizer of the model that it is scored beside, and no threshold."""
    info = ModelInfo.read(model_or_default(model))
    codec = PromptCodec((info.folder / "tokenizer.json").read_text(encoding="utf-8"), info.template)
    return Applier.from_engine(replace(info, threshold=0.0), BaselineEngine(codec))


def provenance_of(model: Path | None) -> Provenance:
    """What a score of the model in this folder belongs to; an Applier of `open_applier` keeps nothing."""
    folder = model_or_default(model)
    info = ModelInfo.read(folder)
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    name = str(manifest.get("name", folder.name))
    fingerprint = Applier.from_model_dir(folder).fingerprint()
    return provenance(
        fingerprint, f"{name} ({info.weights_sha256[:12]})", str(info.numerics_version), NO_CACHES
    )
