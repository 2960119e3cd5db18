"""Segments and their readings: what they must hold whatever an edit says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from applier.align.input import Scene
from applier.align.propose import propose
from applier.align.segments.analyse import Analysis, analyse
from applier.align.segments.features import Segment
from applier.text.window import GAP, Item

LINES = [
    "def f():",
    "    a = 1",
    "    b = 2",
    "",
    "def g():",
    "    return a",
    "}",
    "# ... existing code ...",
    "x(1)",
]
window = st.lists(st.one_of(st.sampled_from(LINES[:7]), st.just(GAP)), min_size=1, max_size=12).filter(
    lambda items: any(item is not GAP for item in items)
)
edit = st.lists(st.sampled_from(LINES), min_size=1, max_size=8)


def analysis_of(items: list[Item], lines: list[str]) -> Analysis:
    return analyse(Scene.of(items, lines, "python"), "python")


def texts(analysis: Analysis) -> list[list[Item]]:
    """Every merged window in which one segment is read in one way and the others in their first."""
    first = [readings[0] for _, readings in analysis.segments]
    return [
        analysis.merged([*first[:number], reading, *first[number + 1 :]])
        for number, (_, readings) in enumerate(analysis.segments)
        for reading in readings
    ]


@settings(max_examples=60, deadline=None)
@given(window, edit)
def test_every_reading_keeps_every_gap_once(items: list[Item], lines: list[str]) -> None:
    gaps = sum(item is GAP for item in items)
    for merged in texts(analysis_of(items, lines)):
        assert sum(item is GAP for item in merged) == gaps


@settings(max_examples=60, deadline=None)
@given(window, edit)
def test_segments_and_pivots_make_up_the_window_and_the_edit(items: list[Item], lines: list[str]) -> None:
    analysis = analysis_of(items, lines)
    segments: list[Segment] = [segment for segment, _ in analysis.segments]
    assert len(segments) == len(analysis.pivots) + 1
    columns = [column for segment in segments for column in segment.columns]
    rows = [row for segment in segments for row in segment.rows]
    assert columns == sorted(set(columns))
    assert rows == sorted(set(rows))
    assert len(columns) == len(items) - len(analysis.pivots)
    assert len(rows) == len(lines) - len(analysis.pivots)


@settings(max_examples=60, deadline=None)
@given(window, edit)
def test_readings_of_a_segment_differ_and_have_the_same_features(items: list[Item], lines: list[str]) -> None:
    analysis = analysis_of(items, lines)
    for segment, readings in analysis.segments:
        assert len({reading.texts for reading in readings}) == len(readings)
        rows = [analysis.features.of(segment, reading) for reading in readings]
        assert all(row.keys() == rows[0].keys() for row in rows)
        assert all(-(1 << 15) <= value < 1 << 15 for row in rows for value in row.values())


FILE = """\
import os


class Queue:
    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()


def main():
    Queue().push(1)
""".splitlines()


def test_changes_in_two_places_are_two_segments() -> None:
    edit = [
        "    def push(self, item):",
        "        self.items.append((item, 1))",
        "",
        "    def pop(self):",
        "        return self.items.pop(0)",
    ]
    analysis = analysis_of(list(FILE), edit)
    open_ = [segment for segment, readings in analysis.segments if len(readings) > 1]
    assert len(open_) == 2
    merged = "\n".join(map(str, propose(list(FILE), edit, "python").items))
    expected = (
        "\n".join(FILE)
        .replace("append(item)", "append((item, 1))")
        .replace("pop()\n\n\ndef", "pop(0)\n\n\ndef")
    )
    assert merged == expected


def test_a_new_method_beside_a_marker_can_stand_at_the_end_of_its_class() -> None:
    edit = [
        "class Queue:",
        "    # ... existing code ...",
        "",
        "    def size(self):",
        "        return len(self.items)",
    ]
    analysis = analysis_of(list(FILE), edit)
    wanted = [*FILE[:9], "", *edit[3:], *FILE[9:]]
    assert wanted in texts(analysis)
    assert any(merged for merged in texts(analysis) if all(line in merged for line in FILE))


def test_a_definition_of_another_name_is_no_change_of_its_neighbour() -> None:
    edit = [
        "def main():",
        "    Queue().push(1)",
        "",
        "",
        "def other():",
        "    Queue().push(2)",
    ]
    assert propose(list(FILE), edit, "python").items == [*FILE, "", "", "def other():", "    Queue().push(2)"]
