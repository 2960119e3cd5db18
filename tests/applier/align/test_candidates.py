from hypothesis import given
from hypothesis import strategies as st

from applier.align.candidates import readings
from applier.align.costs import SETTINGS, Costs
from applier.align.edge_features import border_evidence
from applier.align.input import Scene
from applier.align.render import Writer
from applier.align.similarity import Likeness
from applier.align.step_features import step_evidence
from applier.align.table import DELETE, INSERT, KEEP, MATCH, SKIP, Step, align_lines
from applier.align.text_features import Traces
from applier.text.window import GAP

KEEP_ALL = "# ... existing code ..."
FILE = ["import os", "", "def f():", "    a = 1", "    return a", "", "def g():", "    return 2"]


def scene(*edit: str, items=FILE) -> Scene:
    return Scene.of(items, list(edit), "python")


def test_an_edit_with_one_meaning_has_every_vote_in_one_reading():
    found = readings(scene(KEEP_ALL, "    a = 1", "    b = 2", "    return a", KEEP_ALL), SETTINGS)
    assert found[0].merged == [*FILE[:4], "    b = 2", *FILE[4:]]
    assert found[0].evidence["votes"] == len(SETTINGS)


def test_lines_outside_of_an_edit_without_a_marker_may_stay_or_go():
    found = [reading.merged for reading in readings(scene(*FILE[2:]), SETTINGS)]
    assert FILE in found
    assert FILE[2:] in found


def test_a_marker_at_the_end_rules_a_cut_out():
    found = readings(scene(KEEP_ALL, *FILE[2:6], KEEP_ALL), SETTINGS)
    assert all(reading.merged[0] == "import os" for reading in found)
    assert all(reading.evidence["cut"] == 0 for reading in found)


def test_a_snippet_moved_to_the_left_is_also_read_with_the_files_indentation():
    found = [r.merged for r in readings(scene("a = 1", "if a:", "    return a"), SETTINGS)]
    assert [*FILE[:4], "    if a:", "        return a", *FILE[5:]] in found


lines = st.sampled_from(["a = 1", "b = 2", "    c = 3", "", "}", KEEP_ALL, "# removed: x", "d = a", "f(a) {"])


@given(st.lists(st.none() | lines, max_size=10).filter(any), st.lists(lines, max_size=10))
def test_every_reading_keeps_the_gaps_and_invents_nothing(items, edit):
    found = readings(Scene.of(items, edit, "python"), SETTINGS[:3])
    known = {item.strip() for item in [*items, *edit] if item is not GAP}
    for reading in found:
        assert sum(item is GAP for item in reading.merged) == sum(item is GAP for item in items)
        assert {item.strip() for item in reading.merged if item is not GAP} <= known
        assert all(value >= 0 for value in reading.evidence.values())
        rebuilt, at = [], 0
        for hunk in reading.hunks:
            rebuilt += items[at : hunk.old_start] + reading.merged[hunk.new_start : hunk.new_end]
            at = hunk.old_end
        assert len(found) == 1 or rebuilt + items[at:] == reading.merged


def test_a_marker_that_keeps_nothing_can_be_made_dear():
    here = scene("    a = 1", KEEP_ALL, "    return b", KEEP_ALL)
    likeness = Likeness.of(here)
    cheap = align_lines(here, likeness, Costs())
    dear = align_lines(here, likeness, Costs(idle_marker=200))
    assert border_evidence(here, cheap)["idle_markers"] == 1
    assert border_evidence(here, dear)["idle_markers"] == 0


def test_a_comment_on_a_deletion_asks_for_one():
    edit = [KEEP_ALL, "    return a", "# removed: g"]
    found = readings(scene(*edit), SETTINGS)
    met, unmet = ([r.merged for r in found if r.evidence["unmet_removals"] == n] for n in (0, 1))
    assert FILE in unmet
    assert any(merged[:5] == FILE[:5] and len(merged) < len(FILE) for merged in met)


def test_steps_are_counted_by_what_they_do():
    here = scene("    a = 1", "    b = 2", "    return a, b")
    steps = [
        *(Step(KEEP, None, c) for c in range(3)),
        Step(MATCH, 0, 3),
        Step(INSERT, 1, None),
        Step(MATCH, 2, 4),
    ]
    steps += [Step(DELETE, None, c) for c in range(5, 8)]
    found = step_evidence(here, steps, Likeness.of(here).similar)
    assert (found["inserted"], found["changed"], found["deleted"], found["deleted_blank"]) == (1, 1, 2, 1)
    assert found["hunks"] == 1
    borders = border_evidence(here, steps)
    assert (borders["led"], borders["cut"], borders["cuts"]) == (2, 2, 1)
    assert borders["edge_changed"] == 1


def test_a_line_of_another_body_is_torn_from_it():
    here = scene("    a = 1", "    def new():", "        return b", "    return a")
    changed = [Step(MATCH, 0, 3), Step(INSERT, 1, None), Step(MATCH, 2, 4), Step(INSERT, 3, None)]
    apart = [Step(MATCH, 0, 3), Step(INSERT, 1, None), Step(INSERT, 2, None), Step(MATCH, 3, 4)]
    similar = Likeness.of(here).similar
    assert step_evidence(here, changed, similar)["torn_changed"] == 1
    assert step_evidence(here, apart, similar)["torn_changed"] == 0


def test_a_blank_line_beside_a_forgotten_marker_is_not_written():
    here = scene("import os", "", "def g():", "    return 3")
    steps = [Step(MATCH, 0, 0), Step(INSERT, 1, None), *(Step(SKIP, None, c) for c in range(1, 6))]
    steps += [Step(MATCH, 2, 6), Step(MATCH, 3, 7)]
    assert Writer(here, steps).write() == [*FILE[:-1], "    return 3"]


def test_a_definition_that_comes_twice_is_noticed():
    traces = Traces(scene("def f():", "    return a"))
    assert traces.of([*FILE, "def f():"])["doubled_heads"] == 1
    assert traces.of([*FILE, "    def f():"])["doubled_heads"] == 0


def test_lines_that_lose_the_indentation_of_both_sides_are_noticed():
    traces = Traces(scene("def f():", "    a = 1", "    return b"))
    assert traces.of(FILE)["displaced"] == 0
    assert traces.of(["def f():", "a = 1", "return b", *FILE[5:]])["displaced"] == 1


def test_the_text_of_a_merge_shows_what_went_wrong():
    traces = Traces(scene(KEEP_ALL, "def f():", "    a = 1", "    b = call(", KEEP_ALL))
    assert not any(traces.of(FILE)[name] for name in ("unbalanced", "doubled", "seams", "blank_runs"))
    assert traces.of(FILE)["idle"]
    broken = traces.of([*FILE[:4], "    b = call(", *FILE[4:6], "", *FILE[2:]])
    assert broken["unbalanced"] == 1
    assert broken["blank_runs"] == 1
    assert broken["doubled_names"] == 1
    assert broken["seams"] == 2
    assert broken["bad_seams"] == 1


def test_deletions_tell_of_definitions_that_go_and_of_scopes_that_they_cross():
    steps = [Step(KEEP, None, n) for n in range(3)]
    steps += [Step(MATCH, 0, 3), *(Step(DELETE, None, n) for n in range(4, 7)), Step(MATCH, 1, 7)]
    here = scene("    a = 1", "    return 2")
    found = step_evidence(here, steps, Likeness.of(here).similar)
    assert (found["lost_heads"], found["deep_deletions"], found["common_edges"]) == (1, 1, 0)
