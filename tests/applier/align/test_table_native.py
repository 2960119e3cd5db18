"""The compiled table against `table.py`, which defines what it must give."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applier.align import table_native as module
from applier.align.candidates import readings
from applier.align.costs import SETTINGS, Costs
from applier.align.input import Scene
from applier.align.similarity import Likeness
from applier.align.table import ANY_DEPTH, align_lines, end_depth, marker_depth
from applier.align.table_native import CompiledTable, alignments, known_scenes, trusted_table
from applier.text.window import GAP
from kernels.native import CompileError

LINES = [
    "a = 1",
    "b = 2",
    "    c = 3",
    "",
    "}",
    "# ... existing code ...",
    "def f(a):",
    "def g(a):",
    "return x",
]
line = st.sampled_from(LINES)


@pytest.fixture(scope="module")
def table() -> CompiledTable:
    found = trusted_table()
    if found is None:
        pytest.skip("no C compiler")
    return found


def assert_same(table: CompiledTable, scene: Scene, costs: list[Costs]) -> None:
    likeness = Likeness.of(scene)
    found = {number: steps for steps, numbers in table.align(scene, likeness, costs) for number in numbers}
    assert found == {number: align_lines(scene, likeness, one) for number, one in enumerate(costs)}


@st.composite
def any_costs(draw: st.DrawFn) -> Costs:
    drawn = {field.name: draw(st.integers(-3, 90)) for field in fields(Costs)}
    drawn |= {"letters_per_point": draw(st.integers(1, 9)), "outer_changed": draw(st.booleans())}
    return Costs(**drawn)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.just(GAP) | line, max_size=12).filter(lambda items: not items or any(items)),
    st.lists(st.tuples(line, st.sampled_from("eeeems")), max_size=12),
    st.lists(any_costs(), min_size=1, max_size=3),
)
def test_any_scene_under_any_costs_has_the_steps_of_the_definition(items, edit, costs):
    table = trusted_table()
    if table is None:
        return
    kinds = [kind for _, kind in edit]
    scene = Scene(items, [text for text, _ in edit], [k == "m" for k in kinds], [k == "s" for k in kinds])
    try:
        expected = [align_lines(scene, Likeness.of(scene), one) for one in costs]
    except (ValueError, IndexError):  # costs that lead out of the table
        return
    if any(step.column == -1 for steps in expected for step in steps):
        return
    assert_same(table, scene, costs)
    assert expected


def test_long_scenes_have_the_steps_of_the_definition(table):
    for scene in known_scenes(count=6, size=150):
        assert_same(table, scene, list(SETTINGS))


def test_equal_alignments_come_once_with_the_numbers_of_their_settings(table):
    scene = Scene.of(["a = 1", "b = 2"], ["a = 1", "c = 3", "b = 2"], "python")
    found = table.align(scene, Likeness.of(scene), SETTINGS)
    assert sorted(number for _, numbers in found for number in numbers) == list(range(len(SETTINGS)))
    assert len({tuple(steps) for steps, _ in found}) == len(found) < len(SETTINGS)


def test_without_a_compiler_the_readings_are_the_same(table, monkeypatch):
    scenes = list(known_scenes())
    compiled = [readings(scene, SETTINGS) for scene in scenes]
    monkeypatch.setattr(module, "trusted_table", lambda: None)
    assert [readings(scene, SETTINGS) for scene in scenes] == compiled


def test_a_table_that_gives_other_steps_is_not_trusted(table, monkeypatch, caplog):
    dearer = tuple(replace(costs, delete_open=costs.delete_open + 200) for costs in SETTINGS)
    real = CompiledTable.align
    monkeypatch.setattr(
        CompiledTable, "align", lambda self, scene, likeness, _: real(self, scene, likeness, dearer)
    )
    assert trusted_table.__wrapped__() is None
    assert "fails known answers" in caplog.text


def test_a_library_with_other_costs_is_refused(monkeypatch):
    class Library:
        @staticmethod
        def samebytes_align_costs() -> bytes:
            return b"match_base insert "

    monkeypatch.setattr("applier.align.table_native.load_library", lambda target, source: Library)
    with pytest.raises(CompileError, match="other costs"):
        CompiledTable()
    assert trusted_table.__wrapped__() is None


def test_depths_below_which_keeping_is_free():
    scene = Scene.of(["x"], ["if a:", "        b", "    # ...", "c", "    d"], "python")
    assert marker_depth(scene, 2) == 4
    assert end_depth(scene) == 0
    top = Scene.of(["x"], ["# ...", "a"], "python")
    assert marker_depth(top, 0) == ANY_DEPTH == end_depth(top)


def test_alignments_of_one_setting():
    scene = Scene.of(["a = 1"], ["a = 1"], "python")
    ((steps, numbers),) = alignments(scene, Likeness.of(scene), SETTINGS[:1])
    assert steps == align_lines(scene, Likeness.of(scene), SETTINGS[0])
    assert numbers == [0]
