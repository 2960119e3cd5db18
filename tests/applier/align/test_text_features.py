"""Traces of a merge are those that its whole text has, though only what changed is looked at."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from applier.align.input import Scene
from applier.align.text_features import Traces
from applier.text.definitions import header_name
from applier.text.line_cache import letters
from applier.text.window import GAP

LINE = st.sampled_from(
    [
        *("def first(a, b):", "    def first(a):", "class Thing:", "}", ")", "", "  ", "import os", "x = {"),
        *(
            "    return a + total",
            "return a + total",
            "        return a + total",
            "    call([1, 2)",
            "if x: (",
        ),
    ]
)
TEXT = st.lists(LINE, max_size=9)


def counts(lines, of=str.strip):
    return Counter(found for line in lines if line is not GAP and (found := of(line)) is not None)


def more(ours, *others):
    """How many of `ours` are more than each of the others has."""
    return sum(max(0, count - max(other[one] for other in others)) for one, count in ours.items())


def neighbours(lines):
    texts = [line if line is GAP else line.strip() for line in lines if line is GAP or line.strip()]
    return [pair for pair in pairwise(texts) if GAP not in pair]


def blank_runs(lines):
    return sum(a is not GAP and b is not GAP and not a.strip() and not b.strip() for a, b in pairwise(lines))


def left_open(lines, pair):
    runs = "\n".join("\0" if line is GAP else line for line in lines).split("\0")
    return [run.count(pair[0]) - run.count(pair[1]) for run in runs]


def head(line):
    return line.rstrip() if line[:1].strip() and header_name(line) else None


def plainly(items, shown, merged):
    """The counts as their names say."""

    def telling(line):
        return line.strip() if letters(line) >= 6 else None

    def worded(line):
        return line if letters(line) else None

    same = {pair for side in (items, shown) for pair in neighbours(side)}
    return {
        "doubled": more(counts(merged, telling), counts(items), counts(shown)),
        "doubled_names": more(*(counts(side, header_name) for side in (merged, items, shown))),
        "doubled_heads": more(*(counts(side, head) for side in (merged, items, shown))),
        "lost": more(counts(items, telling) & counts(shown), counts(merged)),
        "displaced": more(counts(items, worded) & counts(shown, worded), counts(merged, worded)),
        "unbalanced": sum(
            abs(a - b)
            for pair in ("()", "[]", "{}")
            for a, b in zip(left_open(merged, pair), left_open(items, pair), strict=True)
        ),
        "seams": sum(pair not in same for pair in neighbours(merged)),
        "blank_runs": max(0, blank_runs(merged) - blank_runs(items) - blank_runs(shown)),
        "idle": int(merged == items),
    }


@settings(max_examples=300)
@given(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.booleans())
@example(["x = {", "}"], [], [], ["x = {"], [], [], False)  # only added
@example([], ["x = {", "}"], [], [], [], [], True)  # only gone
def test_traces_are_those_of_the_whole_text(head_, old, tail, shown, new, far, gap):
    items = [*head_, *old, *([GAP, *far] if gap else []), *tail]
    merged = [*head_, *new, *([GAP, *far[1:]] if gap else []), *tail]
    scene = Scene(items, shown, [False] * len(shown), [False] * len(shown))
    found = Traces(scene).of(merged)
    want = plainly(items, shown, merged)
    assert {name: int(found[name]) for name in want} == want
