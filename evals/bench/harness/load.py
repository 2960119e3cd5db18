"""The load of a benchmark: edits of real commits, prepared once into a JSON file that needs no clones.

Only edits that the applier applies are taken, since a refusal costs less than an answer. Besides the case, an
edit carries what the figures are computed from: the tokens of its whole new file, and the prompt and the
answer of each merge, in ids of the model's tokenizer, for rivals that are given the same work.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from applier.text.unified_diff import unified_diff
from applier.types import EditFormat, EditRequest, Status, Tier
from evals.cases.case import Case, case_from_json, case_to_json

if TYPE_CHECKING:
    from applier.merge.order import Orders

KIND = "samebytes bench load"
VERSION = 1


@dataclass(frozen=True, slots=True)
class MergeIds:
    """One merge: what the model reads, and the window that it should write, with the end."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadEdit:
    """One edit. `whole_tokens` counts the whole new file, `merges` is empty for the exact tier."""

    case: Case
    tier: Tier
    whole_tokens: int
    merges: tuple[MergeIds, ...] = ()

    def request(self, turn: int = 0) -> EditRequest:
        """The request. Every `turn` is another request for the same work, so that no memo can help. For the
        model the file's name differs, which the prompt begins with: no prefix cache can help either.
        """
        request = self.case.request()
        if not turn:
            return request
        if self.tier is Tier.EXACT:  # a diff names its file
            return replace(request, instruction=f"{request.instruction} {turn}")
        path = PurePosixPath(request.path)
        return replace(request, path=str(path.with_name(f"{path.stem}_{turn}{path.suffix}")))


@dataclass(frozen=True, slots=True)
class Load:
    """Edits, where they are from, and the tier that decides all of them, or "any"."""

    source: str
    edits: tuple[LoadEdit, ...]
    tier: str = "any"

    @property
    def origin(self) -> dict[str, str]:
        """For the settings of a record."""
        return {"load": self.source, "tier": self.tier}

    def of_tier(self, tier: Tier | None) -> Load:
        """Only the edits that this tier decides; all for None. Raises ValueError where there are none."""
        edits = tuple(edit for edit in self.edits if tier in (None, edit.tier))
        if not edits:
            raise ValueError(f"the load {self.source} has no edit" + (f" of the {tier} tier" if tier else ""))
        return Load(self.source, edits, tier.value if tier else self.tier)


def as_diff(case: Case) -> Case:
    """The same change as a unified diff that matches exactly: work for the exact tier."""
    assert case.expected is not None
    diff = unified_diff(case.original, case.expected, case.path)
    return replace(case, id=f"{case.id}/diff", format=EditFormat.UNIFIED_DIFF, edit=diff, instruction="")


def prepare(cases: Iterable[Case], model: Path | None, source: str) -> Load:
    """The load of these cases, with the tokenizer of the model in the folder `model` (None: the default).

    The alignment without a model decides what is applied, and proposes the answers. Raises
    ModelNotFoundError.
    """
    from applier.pipeline import Applier
    from applier.plan import MergePlan
    from evals.runs.subjects import BaselineEngine, open_baseline

    class Recorder(BaselineEngine):
        """Keeps the plans of the edit at hand."""

        plans: list[MergePlan]

        def task(self, plan: Orders, hash_logits: bool = False) -> Any:
            assert isinstance(plan, MergePlan)
            self.plans.append(plan)
            return super().task(plan, hash_logits)

    baseline = open_baseline(model)
    assert baseline.info is not None
    assert baseline.engine is not None
    recorder = Recorder(baseline.engine.codec)
    applier = Applier.from_engine(baseline.info, recorder)
    edits: list[LoadEdit] = []
    for case in cases:
        recorder.plans = []
        if case.expected is None:
            continue
        result = applier.apply(case.request())
        if result.status is not Status.APPLIED:
            continue
        text = result.content.decode("utf-8", "replace")
        merges = [MergeIds(tuple(plan.prompt), tuple(plan.drafter.first())) for plan in recorder.plans]
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
        whole = len(recorder.codec.encode_items(lines))
        edits.append(LoadEdit(case, result.tier, whole, tuple(merges)))
    return Load(source, tuple(edits))


def write_load(load: Load, path: Path) -> None:
    """Write a load as one JSON object, compressed where the file's name ends in .gz."""
    records = [
        {
            "case": case_to_json(edit.case),
            "tier": edit.tier.value,
            "whole_tokens": edit.whole_tokens,
            "merges": [{"prompt": merge.prompt, "answer": merge.answer} for merge in edit.merges],
        }
        for edit in load.edits
    ]
    value = {"kind": KIND, "version": VERSION, "source": load.source, "edits": records}
    data = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def read_load(path: Path) -> Load:
    """Raises ValueError for a file that is not a load, and OSError."""
    try:
        data = path.read_bytes()
        value = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        if (value["kind"], value["version"]) != (KIND, VERSION):
            raise ValueError(f"kind {value['kind']!r}, version {value['version']!r}")
        edits = [
            LoadEdit(
                case=case_from_json(record["case"]),
                tier=Tier(record["tier"]),
                whole_tokens=int(record["whole_tokens"]),
                merges=tuple(MergeIds(tuple(m["prompt"]), tuple(m["answer"])) for m in record["merges"]),
            )
            for record in value["edits"]
        ]
    except (ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is no load; make one with `samebytes eval bench prepare`: {error!r}"
        ) from error
    return Load(str(value["source"]), tuple(edits))


class Traffic:
    """An endless sequence of requests from a load.

    The edits come in their order, then again under other file names, so that no two are the same; `identical`
    (0 to 1) is the share of requests that are the first edit, always the same, spread evenly among the
    others. `request(number)` is a function of its number. Sequences whose `first_turn` differ share only the
    identical requests.
    """

    def __init__(self, edits: Sequence[LoadEdit], identical: float = 0.2, first_turn: int = 1) -> None:
        self._edits, self._identical, self._first_turn = edits, identical, first_turn

    def request(self, number: int) -> tuple[str, LoadEdit, EditRequest]:
        """(a key that equal requests share, the edit, the request)."""
        before, now = int(number * self._identical), int((number + 1) * self._identical)
        if now > before:
            edit = self._edits[0]
            return edit.case.id, edit, edit.request()
        round_, place = divmod(number - now, len(self._edits))
        edit, turn = self._edits[place], self._first_turn + round_
        return f"{edit.case.id}#{turn}", edit, edit.request(turn)
