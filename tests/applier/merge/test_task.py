import hashlib

import numpy as np
import pytest

from applier.align.propose import align
from applier.engine import batch as passes
from applier.engine.engine import run_tasks
from applier.merge import task as decode
from applier.merge.constraint import Constraint, KnownLines, known_lines
from applier.merge.drafts import Drafter
from applier.merge.proposal_path import Guide
from applier.merge.repeats import Repeats
from applier.merge.result import DecodeError, DecodeOptions
from applier.merge.task import LAUNCH_ROWS, MergeTask
from applier.parse.markers import find_markers
from applier.text.window import GAP
from kernels.model import Segment
from tests.applier.tiny import codec
from tests.applier.tiny_model import model

ITEMS = ["import os", GAP, "def add(a, b):", "    return a + b", "", "class Thing:", "    value = 0", GAP]
EDIT = ["# ... existing code ...", "def add(a, b, c):", "    return a + b + c", "", "# ... existing code ..."]


class Task(MergeTask):
    """Remembers the cache that it gave back last."""

    def suspend(self) -> None:
        if self.cache is not None:
            self.arrays = [part.copy() for part in self.cache.arrays()]
        super().suspend()


def task(
    options=None, items=ITEMS, edit=EDIT, free=False, proposal=None, limit=48, bias=0.0, limits=None
) -> Task:
    markers = find_markers(edit, "python")
    if proposal is None:
        proposal = align(items, edit, "python", markers=markers)
    shown = [None if i in markers else line for i, line in enumerate(edit)]
    drafter = Drafter(codec(), proposal, items, shown)
    known = KnownLines(codec(), known_lines(items, [line for line in shown if line is not None], proposal))
    constraint = None if free else Constraint(known, items)
    prompt = codec().build_prompt(items, edit, basename="x.py")
    guide = Guide(codec(), proposal)
    repeats = Repeats(codec(), limits or {})
    return Task(codec(), prompt, drafter, constraint, limit, options, True, guide, bias, repeats)


def one_by_one(one: Task) -> tuple[list[int], list[np.ndarray]]:
    """The definition: one token a pass, no drafts, logits of the whole vocabulary."""
    cache = model().new_cache(one.capacity)
    hidden = model().forward([Segment(cache, np.array(one.prompt))])
    state = one.constraint.start if one.constraint else None
    written, seen = [], []
    while len(written) < one.max_answer and one.end_id not in written:
        logits = model().logits(hidden, [len(hidden) - 1])[0]
        ids = one.constraint.allowed(state) if one.constraint else range(len(logits))
        if len(ids) > 1:
            seen.append(logits[list(ids)])
        token = ids[int(logits[list(ids)].argmax())]
        state = one.constraint.follow(state, token) if one.constraint else None
        written.append(token)
        hidden = model().forward([Segment(cache, np.array([token]))])
    return written, seen


def finish(one: Task) -> Task:
    """Runs one merge to its end, or to the limit that a random model may well reach."""
    run_tasks(model(), [one])
    return one


OPTIONS = [DecodeOptions(draft_length=n) for n in (0, 1, 2, 7, 64, 256)]
OPTIONS += [DecodeOptions(prefill_chunk=n) for n in (1, 7, 64, None)]
OPTIONS += [DecodeOptions(prefill_chunk=5, draft_length=3)]


@pytest.mark.parametrize(("free", "bias"), [(False, 0.0), (True, 0.0), (False, 2.0)])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_no_option_changes_a_bit(options, free, bias):
    plain = finish(task(DecodeOptions(draft_length=0, prefill_chunk=None), free=free, bias=bias))
    other = finish(task(options, free=free, bias=bias))
    assert other.written == plain.written
    assert other.decisions.sha256 == plain.decisions.sha256
    assert all(map(np.array_equal, other.arrays, plain.arrays))


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("rows", [1, 3, LAUNCH_ROWS])
def test_the_number_of_rows_asked_for_at_once_changes_no_bit(rows, free, monkeypatch):
    plain = finish(task(free=free))
    monkeypatch.setattr(passes, "FIRST_ROWS", rows)
    monkeypatch.setattr(decode, "FIRST_ROWS", rows)
    other = finish(task(free=free))
    assert other.written == plain.written
    assert other.decisions.sha256 == plain.decisions.sha256
    assert all(map(np.array_equal, other.arrays, plain.arrays))


@pytest.mark.parametrize("free", [False, True])
def test_the_result_is_the_definition(free):
    fast = finish(task(free=free))
    written, seen = one_by_one(fast)
    assert fast.written == written
    digest = hashlib.sha256()
    for values in seen[: fast.decisions.count]:
        digest.update(values.astype("<f4").tobytes())
    assert digest.hexdigest() == fast.decisions.sha256


def test_a_true_draft_is_confirmed_in_one_pass():
    written = finish(task()).written
    merged = codec().decode(written)
    again = finish(task(DecodeOptions(prefill_chunk=None), proposal=merged))
    assert again.written == written
    assert again.passes == 1
    assert again.result().agrees
    assert again.result().accepted == len(written)


def test_batches_do_not_change_a_bit():
    edits = [EDIT, EDIT[1:], EDIT[:2], [*EDIT, "    x = 1"]]
    alone = [finish(task(edit=edit)) for edit in edits]
    for batch_tokens in (8192, 40):
        together = [task(edit=edit) for edit in edits]
        run_tasks(model(), together, batch_tokens=batch_tokens)
        for one, other in zip(alone, together, strict=True):
            assert one.written == other.written
            assert one.decisions.sha256 == other.decisions.sha256
            assert all(map(np.array_equal, one.arrays, other.arrays))


def test_only_known_lines_are_written_and_every_gap():
    written = finish(task()).written
    items = codec().decode(written)
    known = known_lines(ITEMS, EDIT[1:-1], align(ITEMS, EDIT, "python"))
    assert [item for item in items if item is GAP] == [GAP, GAP]
    assert {item for item in items if item is not GAP} <= set(known)
    assert "# ... existing code ..." not in items


def test_a_merge_without_end_fails_alone():
    short, long = task(limit=3), task()
    failed, merged = run_tasks(model(), [short, long])
    assert isinstance(failed, DecodeError)
    assert list(merged.ids) == long.written
    assert long.done


@pytest.mark.parametrize("draft_length", [None, 0, 3])
def test_a_merge_that_repeats_itself_ends_in_the_same_error_however_it_is_run(draft_length):
    options = DecodeOptions(draft_length=draft_length)
    stuck = task(options, bias=1e30, limit=160, limits={"value = 0": 0})
    (failed,) = run_tasks(model(), [stuck])
    assert isinstance(failed, DecodeError)
    assert "more often" in str(failed)
    assert finish(task(options, bias=1e30, limit=160, limits={"value = 0": 1})).done


def test_an_endless_bias_writes_the_proposal():
    proposal = align(ITEMS, EDIT, "python")
    one = finish(task(bias=1e30, limit=160))
    assert codec().decode(one.written) == proposal
    assert one.result().agrees
    assert finish(task(bias=0.0)).written != one.written


def test_a_bias_above_the_departure_changes_the_merge():
    plain = finish(task(limit=160))
    away = plain.result().departure
    assert away > 0
    assert not plain.result().agrees
    assert finish(task(limit=160, bias=away * 1.001)).written != plain.written


def test_margin_is_the_least_over_decisions():
    one = finish(task())
    _, seen = one_by_one(one)
    margins = [float(np.sort(values)[-1] - np.sort(values)[-2]) for values in seen[: one.decisions.count]]
    assert one.result().margin == min(margins)
    assert one.result().decisions == len(margins)
