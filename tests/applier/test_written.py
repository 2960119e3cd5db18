"""What takes the place of a merge that cannot be used."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from applier import Applier, EditRequest
from applier.engine.engine import Engine
from applier.merge.confidence import Calibration, HeadStart, Kind
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptTemplate
from applier.merge.result import DecodeError, Merge
from applier.plan import MergePlan
from applier.text.window import Item
from applier.types import EditOptions, RefusalReason, Status
from evals.runs.subjects import BaselineEngine
from tests.applier.tiny import codec
from tests.applier.tiny_applier import tiny_applier

FILE = b"def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
EDIT = b"# ... existing code ...\ndef sub(a, b):\n    c = a - b\n    return c\n"
MERGED = FILE.replace(b"    return a - b\n", b"    c = a - b\n    return c\n")
ANYTHING = EditOptions(min_confidence=0.0)
REQUEST = EditRequest(FILE, EDIT, "x.py", options=ANYTHING)
TABLES = {kind.value: [[0.0, 0.9]] for kind in Kind} | {"fallback": [[0.0, 0.4]]}


class Model(Engine):
    """Gives what a test says for every plan; the codec is real."""

    def __init__(self, *answers: Sequence[Item] | DecodeError) -> None:
        self.codec, self.answers = codec(), answers

    @property
    def max_positions(self) -> int:
        return 4096

    def task(self, plan: MergePlan, hash_logits: bool = False):  # type: ignore[override]
        return plan

    def run(self, tasks):
        return [
            answer if isinstance(answer, DecodeError) else merge(tuple(self.codec.build_answer(answer)))
            for _, answer in zip(tasks, self.answers, strict=True)
        ]


def merge(ids: tuple[int, ...]) -> Merge:
    return Merge(ids, 3.0, 0, 1, False, 1, 0, 0, 1, None)


def applier(engine: Engine, tables=TABLES) -> Applier:
    info = ModelInfo(Path(), "", "", 1, 0.5, PromptTemplate(), Calibration.from_dict(tables))
    return Applier.from_engine(info, engine)


LOST = DecodeError("it repeats a line")
LEFT_OUT = FILE.decode().replace("return a - b", "return c").split("\n")[:-1]
UNPARSABLE = [*MERGED.decode().split("\n")[:-1], ")"]


@pytest.mark.parametrize("answer", [LOST, LEFT_OUT, FILE.decode().split("\n")[:-1], UNPARSABLE])
def test_the_proposal_takes_the_place_of_a_merge_that_cannot_be_used(answer):
    model = applier(Model(answer))
    traced = model.trace_many([REQUEST])[0]
    assert traced.result.status is Status.APPLIED
    assert traced.result.content == MERGED
    assert traced.result.confidence == 0.4
    assert [signal.kind for signal in traced.signals] == [Kind.FALLBACK]
    assert len(traced.merges) == (answer is not LOST)
    assert model.apply(REQUEST).content == MERGED


def test_it_is_refused_by_its_own_calibration():
    request = replace(REQUEST, options=EditOptions())
    refused = applier(Model(LOST)).apply(request)
    assert refused.refusal is not None
    assert refused.refusal.reason is RefusalReason.LOW_CONFIDENCE
    assert "cannot be used" in refused.refusal.message
    assert refused.refusal.candidates
    assert refused.content == FILE
    kept = applier(Model(UNPARSABLE)).apply(request)
    assert kept.refusal is not None
    assert kept.refusal.reason is RefusalReason.SYNTAX_ERROR
    assert kept.confidence == 0.9


def test_what_fails_another_check_is_not_offered():
    unsure = EditOptions(min_confidence=0.95)
    for answer, options, is_offered in (
        (UNPARSABLE, unsure, False),
        (UNPARSABLE, replace(unsure, accept="0" * 64), False),
        (UNPARSABLE, replace(unsure, syntax_gate=False), True),
        (LOST, unsure, True),
    ):
        refusal = applier(Model(answer)).apply(replace(REQUEST, options=options)).refusal
        assert refusal is not None
        assert refusal.reason is RefusalReason.LOW_CONFIDENCE
        assert (refusal.offer is not None) == is_offered
        assert ("of another state" in refusal.message) == (options.accept is not None)


def test_tables_from_before_there_was_a_fallback_never_trust_it():
    tables = {name: knots for name, knots in TABLES.items() if name != "fallback"}
    assert applier(Model(LOST), tables).apply(REQUEST).confidence == 0.0


def test_a_merge_that_changes_nothing_where_the_proposal_does_has_to_be_sure():
    file = FILE.replace(b"b\n\n\ndef sub", b"b\n\n\nprint()\n\n\ndef sub")
    unchanged = Model(file.decode().split("\n")[:-1])
    edit = b"def add(a, b):\n    # ...\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
    request = replace(REQUEST, original=file, edit=edit, options=EditOptions())
    unsure = TABLES | {"differs": [[0.0, 0.1]]}
    for tables, status in ((TABLES, Status.ALREADY_APPLIED), (unsure, Status.REFUSED)):
        result = applier(unchanged, tables).apply(request)
        assert result.status is status
        assert result.content == file


def test_a_real_model_that_loses_its_way_gives_the_proposal():
    proposal = Applier.from_engine(tiny_applier().info, BaselineEngine(codec())).apply(REQUEST)
    edits = [EDIT.replace(b"c", b"%c" % letter) for letter in b"cdefgh"]
    traced = tiny_applier(bias=HeadStart().bias).trace_many([replace(REQUEST, edit=edit) for edit in edits])
    found = [one for one in traced if not one.merges]
    assert proposal.content == MERGED
    assert found
    for one in found:
        assert [signal.kind for signal in one.signals] == [Kind.FALLBACK]
        assert one.result.status is Status.APPLIED
