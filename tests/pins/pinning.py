"""What the present code answers to fixed edits, field by field, each as a digest.

Three groups of edits: `mined`, 300 edits of this project's own history in the habits of `training.synth` and
`evals.cases.habits`, kept as text in `edits.jsonl.xz` so that neither history nor generators can change them;
`written`, the cases that come with the evals; `faults`, those of `cases/faults.jsonl` in the shared folder,
whose texts stay out of the repository.

Every edit is planned and placed without a model: a stand-in for the engine answers each merge with "the
proposal", so that all before and after the model runs as it does when serving. Window, proposal and odds do
not depend on a tokenizer, so that the small one of the tests does. Some edits are also served by the
installed model. No digest depends on the machine, on threads, or on the version of Python.
"""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from applier import Applier, EditFormat, EditRequest, EditResult
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptCodec, PromptTemplate
from applier.merge.result import Merge
from applier.plan import MergePlan
from evals.cases.written import load_written
from kernels.config import NUMERICS_VERSION
from tests.applier.tiny import codec

HERE = Path(__file__).parent
EDITS, DIGESTS = HERE / "edits.jsonl.xz", HERE / "digests.json"
COMMAND = "python -m tests.pins"
SERVED_SHARE = 32  # one edit in so many is served by the model too
ROOM = 1 << 20  # tokens: every window fits at its widest margin, whatever the tokenizer

Pins = dict[str, dict[str, str]]  # by edit, then by field


class Pinned(NamedTuple):
    """One edit."""

    name: str
    request: EditRequest


def shared() -> Path:
    """The folder beside the checkout; SAMEBYTES_SHARED says where it is for a checkout elsewhere."""
    return HERE.parents[1] / os.environ.get("SAMEBYTES_SHARED", "../shared")


def faults_file() -> Path:
    """The cases of the shared folder; may not exist."""
    return shared() / "cases" / "faults.jsonl"


def mined() -> Iterator[Pinned]:
    with lzma.open(EDITS, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            yield Pinned(row["id"], _request(row, row["original"].encode()))


def written() -> Iterator[Pinned]:
    for case in load_written():
        yield Pinned(case.id, case.request())


def faults() -> Iterator[Pinned]:
    """Raises OSError where the shared folder is missing."""
    for row in map(json.loads, faults_file().read_text(encoding="utf-8").splitlines()):
        yield Pinned(row["id"], _request(row, base64.b64decode(row["original_b64"])))


GROUPS: dict[str, Callable[[], Iterator[Pinned]]] = {"mined": mined, "written": written, "faults": faults}


def _request(row: dict[str, Any], original: bytes) -> EditRequest:
    return EditRequest(
        original=original,
        edit=row["edit"].encode(),
        path=row["path"],
        format=EditFormat(row["format"]),
        instruction=row.get("instruction", ""),
    )


class Planner:
    """An engine that notes the plans of the merges and answers each with its proposal."""

    max_positions = ROOM

    def __init__(self) -> None:
        self.plans: list[MergePlan] = []

    @property
    def codec(self) -> PromptCodec:
        return codec()

    def task(self, plan: MergePlan, hash_logits: bool = False) -> MergePlan:
        self.plans.append(plan)
        return plan

    def run(self, plans: Sequence[MergePlan]) -> list[Merge]:
        proposal = Merge(
            ids=(), margin=float("inf"), weakest=0, decisions=0, agrees=True, prompt_tokens=0, drafted=0,
            accepted=0, passes=0, logits_sha256=None,
        )  # fmt: skip
        return [proposal for _ in plans]


def plan_pins(pinned: Iterator[Pinned]) -> Pins:
    """The fields that need no model."""
    planner = Planner()
    info = ModelInfo(Path(), "", "", NUMERICS_VERSION, 0.0, PromptTemplate(), None)
    applier = Applier.from_engine(info, planner)  # type: ignore[arg-type]
    pins: Pins = {}
    for name, request in pinned:
        planner.plans.clear()
        result = applier.apply(request)
        pins[name] = {"placed": _result(result)}
        if plans := planner.plans:
            pins[name] |= {
                "window": _digest([[plan.window.ranges, plan.window.lead] for plan in plans]),
                "proposal": _digest([plan.proposal for plan in plans]),
                "odds": " ".join(str(plan.odds) for plan in plans),
            }
    return pins


def served_pins(pinned: Iterator[Pinned], applier: Applier) -> Pins:
    """What the installed model makes of its share of the edits."""
    return {name: {"served": _served(applier.apply(request))} for name, request in pinned if is_served(name)}


def is_served(name: str) -> bool:
    """Whether an edit is among those that the model serves: by a hash of its name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % SERVED_SHARE == 0


def _result(result: EditResult) -> str:
    """Status or reason of refusal in words, the line of the edit, and a digest of all that was answered."""
    refusal = result.refusal
    said = [
        result.tier,
        result.content.hex(),
        result.diff.hex(),
        refusal and [refusal.message, [[part.start, part.end] for part in refusal.candidates]],
    ]
    word = f"{refusal.reason}:{refusal.edit_line}" if refusal else str(result.status)
    return f"{word} {_digest(said)}"


def _served(result: EditResult) -> str:
    return f"{_result(result)} {result.confidence.hex()}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def load() -> dict[str, Any]:
    """The digests that are kept: by group, and the fingerprint under which the model served."""
    found: dict[str, Any] = json.loads(DIGESTS.read_text(encoding="utf-8"))
    return found


def differences(kept: Pins, found: Pins) -> list[str]:
    """A line for every field that is not as it was. Edits that nothing is kept of are passed over."""
    return [
        f"{name}: {field} was {was}, is {now}"
        for name, fields in kept.items()
        if name in found
        for field, was in fields.items()
        if (now := found[name].get(field)) != was
    ]
