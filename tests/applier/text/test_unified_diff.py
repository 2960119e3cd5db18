"""Diffs are right to the byte: our own strict patcher, `git apply` and unidiff give the new file back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import unidiff
from hypothesis import given, settings
from hypothesis import strategies as st

from applier.text.bulk_bytes import common_lines
from applier.text.line_diff import changes
from applier.text.unified_diff import DiffMismatch, apply_diff, unified_diff

LINE = st.sampled_from(
    [
        b"a",
        b"b",
        b"",
        b"  c",
        b"-x",
        b"+x",
        b"@@ -1 +1 @@",
        b"\\ No",
        b"\xff\xe9",
        b"a\r",
        b"\x0c",
        b"--- a/x",
    ]
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    def file(lines: list[bytes]) -> bytes:
        data = b"".join(line + b"\n" for line in lines)
        return data[:-1] if draw(st.booleans()) else data

    old = draw(st.lists(LINE, max_size=30))
    new = list(old)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(new)))
        new[at : at + draw(st.integers(0, 3))] = draw(st.lists(LINE, max_size=3))
    return file(old), file(new)


@given(pairs(), st.integers(0, 4))
def test_the_diff_gives_the_new_file_back(pair: tuple[bytes, bytes], context: int) -> None:
    old, new = pair
    diff = unified_diff(old, new, "x.py", context)
    assert apply_diff(old, diff) == new
    assert (diff == b"") == (old == new)


@given(st.lists(st.integers(0, 6), max_size=40), st.lists(st.integers(0, 6), max_size=40))
def test_changes_are_ordered_separated_and_right(a: list[int], b: list[int]) -> None:
    rebuilt: list[int] = []
    at = 0
    last_b = 0
    for number, change in enumerate(changes(a, b)):
        assert change.a_start > at or change.b_start > last_b or number == 0
        assert a[at : change.a_start] == b[last_b : change.b_start]
        rebuilt += a[at : change.a_start] + b[change.b_start : change.b_end]
        at, last_b = change.a_end, change.b_end
    assert rebuilt + a[at:] == b


CASES = [
    (b"", b"a\n"),
    (b"", b"a"),
    (b"a\n", b""),
    (b"a", b"a\n"),
    (b"a\n", b"a"),
    (b"a\nb", b"a\nb\nc"),
    (b"a\nb", b"a"),
    (b"a\r\nb\r\n", b"a\r\nc\r\nb\r\n"),
    (b"a\rb\r", b"a\rc\r"),
    (b"x\n" * 50 + b"a", b"y\n" + b"x\n" * 50 + b"b"),
    ("é\n".encode("latin-1"), "è\n".encode("latin-1")),
    ("\ufeffa\nb\n".encode("utf-16-le"), "\ufeffa\nc\n".encode("utf-16-le")),
    (b"a\n" * 30, b"a\n" * 31),
]


@pytest.mark.parametrize(("old", "new"), CASES)
@pytest.mark.parametrize("name", ["x.py", "a dir/a file.py", 'quo"te\\.py', "é.py"])
def test_git_applies_it(tmp_path: Path, old: bytes, new: bytes, name: str) -> None:
    target = tmp_path / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(old)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, input=unified_diff(old, new, name), cwd=tmp_path, check=True)
    assert target.read_bytes() == new


@settings(max_examples=60)
@given(pairs())
def test_unidiff_reads_the_same_lines(pair: tuple[bytes, bytes]) -> None:
    old, new = (side.decode("latin-1").replace("\r", "~").replace("\x0c", "~") for side in pair)
    text = unified_diff(old.encode("latin-1"), new.encode("latin-1"), "x.py").decode("latin-1")
    patch = unidiff.PatchSet(text)
    if old == new:
        assert len(patch) == 0
        return
    for hunk in patch[0]:
        source = [line.value for line in hunk if line.line_type in (" ", "-")]
        start = max(hunk.source_start - 1, 0)
        lines = old.split("\n")[start : start + hunk.source_length]
        assert [line.rstrip("\n") for line in source] == lines


def test_a_wrong_diff_is_not_applied() -> None:
    diff = unified_diff(b"a\nb\n", b"a\nc\n", "x")
    with pytest.raises(DiffMismatch):
        apply_diff(b"a\nx\n", diff)
    with pytest.raises(DiffMismatch):
        apply_diff(b"", diff)
    with pytest.raises(DiffMismatch):
        apply_diff(b"a\nb\n", diff.replace(b"-1,2", b"-1,3"))


def test_a_path_cannot_add_lines_to_the_header() -> None:
    diff = unified_diff(b"a\n", b"b\n", "x\n@@ -1 +1 @@\n-evil")
    assert diff.count(b"\n") == 5
    assert apply_diff(b"a\n", diff) == b"b\n"


@given(pairs(), st.data())
def test_what_is_known_beforehand_changes_no_diff(pair: tuple[bytes, bytes], data: st.DataObject) -> None:
    old, new = pair
    at = data.draw(st.integers(0, len(old)))
    known = (at, old.count(b"\n", 0, at))
    diff = unified_diff(old, new, "x", common=common_lines(old, new), known=known)
    assert diff == unified_diff(old, new, "x")
