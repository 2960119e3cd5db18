"""What two sequences have in common at their ends, as one would count it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from applier.text.line_diff import same_ends

ITEMS = st.lists(st.sampled_from("ab"), max_size=6)


def counted(a: list[str | None], b: list[str | None]) -> tuple[int, int]:
    most = min(len(a), len(b))
    above = next((n for n in range(most) if a[n] != b[n]), most)
    below = next((n for n in range(most - above) if a[-1 - n] != b[-1 - n]), most - above)
    return above, below


@given(st.integers(0, 140), ITEMS, ITEMS, st.integers(0, 140))
def test_ends_are_counted_once(above: int, ours: list[str], theirs: list[str], below: int) -> None:
    start, end = ["a", "b", None] * (above // 3) + ["c"] * (above % 3), ["d"] * below
    a, b = [*start, *ours, *end], [*start, *theirs, *end]
    assert same_ends(a, b) == counted(a, b)
    assert same_ends(tuple(a), b) == counted(a, b)


def test_equal_sequences_are_all_start() -> None:
    for size in (0, 1, 63, 64, 65, 128, 200):
        assert same_ends(list(range(size)), list(range(size))) == (size, 0)
        assert same_ends(range(size), range(size + 1)) == (size, 0)
