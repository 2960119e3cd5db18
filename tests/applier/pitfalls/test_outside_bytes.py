"""Not one byte changes outside the edit, and the gate sees it when one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from applier.parse import parse_edit
from applier.text.source_text import Replacement, SourceText
from applier.types import RefusalReason
from applier.verify.verify import verify

EDIT = parse_edit("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n")
LINES = st.lists(st.sampled_from(["a", "b", "", "  c ", "d\t", "é"]), min_size=1, max_size=12)


@st.composite
def edits(draw: st.DrawFn) -> tuple[SourceText, list[Replacement]]:
    text = "".join(line + draw(st.sampled_from(["\n", "\r\n"])) for line in draw(LINES))
    source = SourceText.decode(text.encode())
    points = sorted(draw(st.lists(st.integers(0, source.line_count), min_size=2, max_size=6)))
    found: list[Replacement] = []
    for start, end in zip(points[::2], points[1::2], strict=False):
        if not found or start > found[-1].end:
            found.append(Replacement(start, end, tuple(draw(LINES))))
    return source, found


@given(edits())
def test_a_right_result_passes(case: tuple[SourceText, list[Replacement]]) -> None:
    source, replacements = case
    original, result = source.encode(source.body), source.replace(replacements)
    touched = [(part.start, part.end) for part in replacements]
    verdict = verify(source, original, result, touched, EDIT)
    assert verdict.refusal is None or verdict.refusal.reason is RefusalReason.OUTSIDE_EDIT
    assert verdict.validation.outside_bytes_changed == 0


@given(st.integers(0, 40))
def test_one_changed_byte_outside_is_refused(position: int) -> None:
    lines = [f"line number {i}" for i in range(8)]
    source = SourceText.decode(("\n".join(lines) + "\n").encode())
    original = source.encode(source.body)
    result = bytearray(source.replace([Replacement(4, 5, ("new",))]))
    position %= 4 * len(b"line number 0\n") - 1
    result[position] = ord("X") if result[position] != ord("X") else ord("Y")
    verdict = verify(source, original, bytes(result), [(4, 5)], EDIT)
    assert verdict.refusal is not None
    assert verdict.refusal.reason is RefusalReason.OUTSIDE_EDIT
    assert verdict.validation.outside_bytes_changed > 0
    assert verdict.diff == b""


def test_trailing_space_that_an_editor_would_strip_is_kept() -> None:
    source = SourceText.decode(b"a  \nb\t\nc\n")
    assert source.replace([Replacement(2, 3, ("d",))]) == b"a  \nb\t\nd\n"
    stripped = b"a\nb\nd\n"
    verdict = verify(source, b"a  \nb\t\nc\n", stripped, [(2, 3)], EDIT)
    assert verdict.refusal is not None


def test_a_change_far_from_the_edit_is_refused_with_several_ranges() -> None:
    source = SourceText.decode(b"a\nb\nc\nd\ne\n")
    verdict = verify(source, b"a\nb\nc\nd\ne\n", b"A\nb\nX\nd\nE\n", [(0, 1), (4, 5)], EDIT)
    assert verdict.refusal is not None
    assert verdict.refusal.reason is RefusalReason.OUTSIDE_EDIT
