"""Files as lines and back: encodings, line ends, final newlines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.text.source_text import Replacement, SourceText, TextError, decode_edit, split_lines
from applier.types import RefusalReason

LINE = st.text(alphabet=st.sampled_from("ab é漢\t\f\v\u2028\x85\x1c"), max_size=6)
LINES = st.lists(LINE, max_size=12)
END = st.sampled_from(["\n", "\r\n"])
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\x00\x00",
}


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, list[str], list[str]]:
    """(bytes, lines, ends) of a text file."""
    lines = draw(LINES)
    style = draw(st.sampled_from(["\n", "\r\n", "\r", "mixed"]))
    ends = [draw(END) if style == "mixed" else style for _ in lines]
    if lines and lines[-1] and draw(st.booleans()):
        ends[-1] = ""
    text = "".join(line + end for line, end in zip(lines, ends, strict=True))
    codec = draw(st.sampled_from(sorted(ENCODINGS)))
    return ENCODINGS[codec] + text.encode(codec), lines, ends


@given(files())
def test_decode_gives_the_lines_and_encode_gives_the_bytes(file: tuple[bytes, list[str], list[str]]) -> None:
    data, lines, ends = file
    source = SourceText.decode(data)
    assert source.encode(source.body) == data
    assert source.lines == lines
    assert source.ends == ends
    assert source.line_count == len(lines)
    assert source.slice(0, len(lines)) == lines
    assert source.replace([]) == data


@given(st.binary(max_size=40))
def test_every_accepted_byte_string_round_trips(data: bytes) -> None:
    try:
        source = SourceText.decode(data)
    except TextError:
        return
    assert source.encode(source.body) == data
    assert source.replace([]) == data
    joined = "".join(line + end for line, end in zip(source.lines, source.ends, strict=True))
    assert joined.encode() == source.body


@given(files(), st.data())
def test_replace_keeps_every_other_byte(
    file: tuple[bytes, list[str], list[str]], data: st.DataObject
) -> None:
    raw, lines, ends = file
    source = SourceText.decode(raw)
    start = data.draw(st.integers(0, len(lines)))
    end = data.draw(st.integers(start, len(lines)))
    new = data.draw(st.lists(st.sampled_from(["x", "yy", "z é", *lines[start:end]]), max_size=4))
    after = SourceText.decode(source.replace([Replacement(start, end, tuple(new))]))
    expected = lines[:start] + new + lines[end:]
    blank_end = bool(expected) and expected[-1] == "" and not source.has_final_newline
    if blank_end:
        expected.pop()  # an empty last line without an end is no line
    assert after.lines == expected
    if expected:
        head = min(start, len(expected) - 1, len(lines) - 1)
        assert after.ends[: max(head, 0)] == ends[: max(head, 0)]
        tail = min(len(lines) - end, len(expected))
        if tail > 1:
            assert after.ends[-tail:] == ends[-tail:]
        assert after.has_final_newline == source.has_final_newline or blank_end
    assert set(after.ends) <= set(ends) | {"\n" if not set(ends) - {""} else ends[0]}


@given(files(), st.data())
def test_find_agrees_with_a_plain_search(
    file: tuple[bytes, list[str], list[str]], data: st.DataObject
) -> None:
    raw, lines, _ = file
    source = SourceText.decode(raw)
    start = data.draw(st.integers(0, len(lines)))
    block = lines[start : start + data.draw(st.integers(1, 3))] or ["a"]
    expected = [i for i in range(len(lines) - len(block) + 1) if lines[i : i + len(block)] == block]
    assert source.find(block) == expected[:20]
    assert source.index.keys() == set(lines)
    assert source.find(block) == expected[:20]  # now by the index


def test_new_lines_take_the_end_of_what_they_replace_else_the_neighbouring_one() -> None:
    source = SourceText.decode(b"a\r\nb\nc\r\n")
    assert source.replace([Replacement(1, 1, ("x",))]) == b"a\r\nx\r\nb\nc\r\n"
    assert source.replace([Replacement(2, 2, ("x",))]) == b"a\r\nb\nx\nc\r\n"
    assert source.replace([Replacement(0, 3, ("a", "x", "c"))]) == b"a\r\nx\nc\r\n"


def test_final_newline_is_kept_unless_stated() -> None:
    source = SourceText.decode(b"a\nb")
    assert source.replace([Replacement(2, 2, ("c",))]) == b"a\nb\nc"
    assert source.replace([Replacement(1, 2, ())]) == b"a"
    assert source.replace([Replacement(1, 2, ("c",))], final_newline=True) == b"a\nc\n"
    assert SourceText.decode(b"a\n").replace([], final_newline=False) == b"a"
    assert SourceText.decode(b"").replace([Replacement(0, 0, ("a",))]) == b"a\n"


def test_form_feed_and_unicode_separators_are_text() -> None:
    assert SourceText.decode("a\fb\vc\u2028d\x85e\n".encode()).line_count == 1
    assert split_lines("a\fb\u2028c") == ["a\fb\u2028c"]


def test_a_lone_cr_ends_a_line_only_in_a_file_without_lf() -> None:
    assert SourceText.decode(b"a\rb\r").lines == ["a", "b"]
    assert SourceText.decode(b"a\rb\n").lines == ["a\rb"]
    assert split_lines("a\r\nb\r\n") == ["a", "b"]
    assert split_lines("a\rb") == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF\x00\x00", RefusalReason.BINARY_FILE),
        (b"\x89PNG\r\n\x1a\n\x01\xff", RefusalReason.BINARY_FILE),
        (b"\xff\xfea", RefusalReason.UNDECODABLE),
        (b"\xff\xfe\x00\xd8", RefusalReason.UNDECODABLE),
        (b"\xef\xbb\xbf\xff", RefusalReason.UNDECODABLE),
        ("a\0b".encode("utf-16"), RefusalReason.BINARY_FILE),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, reason: RefusalReason) -> None:
    with pytest.raises(TextError) as caught:
        SourceText.decode(data)
    assert caught.value.reason is reason


def test_too_large() -> None:
    with pytest.raises(TextError) as caught:
        SourceText.decode(b"a" * 11, max_bytes=10)
    assert caught.value.reason is RefusalReason.TOO_LARGE


def test_eight_bit_files_keep_their_encoding() -> None:
    source = SourceText.decode("naïve “x”\n".encode("cp1252"))
    assert source.encoding.codec == "cp1252"
    assert source.replace([Replacement(1, 1, ("é",))]) == "naïve “x”\né\n".encode("cp1252")
    with pytest.raises(TextError, match="lacks"):
        source.replace([Replacement(1, 1, ("漢",))])
    assert SourceText.decode(b"\x81\xe9\n").encoding.codec == "latin-1"


def test_an_edit_may_be_in_the_encoding_of_its_file() -> None:
    source = SourceText.decode("é\n".encode("latin-1"))
    assert decode_edit(b"\xe9", source.encoding) == "é"
    assert decode_edit("é".encode(), source.encoding) == "é"
    assert decode_edit("é".encode("utf-16")) == "é"
    with pytest.raises(TextError):
        decode_edit(b"\xe9")
    with pytest.raises(TextError):
        decode_edit(b"a\0b")
