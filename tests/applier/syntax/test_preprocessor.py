"""A file's configurations: each keeps every line's place, and shows what is compiled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.syntax.preprocessor import configurations


def shown(text: str) -> list[str]:
    """The lines left where every symbol is defined, and where none is, without blanks between them."""
    return [b" ".join(each.text.split()).decode() for each in configurations(text.encode())]


def test_branches() -> None:
    text = "a\n#if X\nb\n#elif Y\nc\n#else\nd\n#endif\ne\n"
    assert shown(text) == ["a b e", "a d e"]
    first, second = configurations(text.encode())
    assert first.text.split(b"\n")[2] == b"b"
    assert [row for row, on in enumerate(first.shown) if not on] == [4, 6]
    assert [row for row, on in enumerate(second.shown) if not on] == [2, 4]


def test_conditions_nest() -> None:
    text = "#if A\n#if !B\na\n#else\nb\n#endif\n#else\n#ifdef C\nc\n#endif\nd\n#endif\n"
    assert shown(text) == ["b", "d"]


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("A", (True, False)),
        ("!A", (False, True)),
        ("!!A", (True, False)),
        ("defined(A) && !defined(B)", (False, False)),
        ("!defined A || B", (True, True)),
        ("(A >= 3) || 0", (True, False)),
        ("!(A && B)", (False, True)),
        ("A != B(1, 2) && C", (True, False)),
        ("0 /* never */", (False, False)),
        ("1 // always", (True, True)),
        ("A || \\\n !A", (True, True)),
        ("A & 3", (True, False)),
        ("", (True, False)),
        ("(((", (True, False)),
        ("(" * 5000, (True, False)),
    ],
)
def test_conditions(condition: str, values: tuple[bool, bool]) -> None:
    assert shown(f"#if {condition}\nx\n#endif\n") == ["x" if value else "" for value in values]


def test_a_guard_hides_nothing() -> None:
    assert shown("#ifndef A_H\n\n#define A_H\nx\n#endif\n") == ["#define A_H x"] * 2
    assert shown("#ifndef A\n#define B\nx\n#endif\n") == ["", "#define B x"]


@pytest.mark.parametrize("text", ["", "x\n", "#if A\nx\n", "#endif\n", "#else\n", "#if A\n#endif\n#endif\n"])
def test_none(text: str) -> None:
    assert configurations(text.encode()) == ()


@given(
    st.lists(st.sampled_from(["#if A", "#ifndef B", "#elif !A", "#else", "#endif", "x", "y \\"]), max_size=12)
)
def test_lines_stay_where_they_are(lines: list[str]) -> None:
    text = "\n".join(lines)
    for each in configurations(text.encode()):
        kept = each.text.decode().split("\n")
        assert len(kept) == len(lines) == len(each.shown)
        assert all(new in ("", old) for new, old in zip(kept, lines, strict=True))
        assert all(each.shown[row] for row, line in enumerate(kept) if line)
