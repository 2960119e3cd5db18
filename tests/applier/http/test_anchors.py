"""Morph's table and skeleton give back the file they were made of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.http.anchors import expand, is_anchored
from applier.http.prompts import PromptError

SUFFIX = "\n\nLARGE-FILE ANCHOR PROTOCOL:\nThe <code> block starts with …"
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r⟪⟫"), max_size=40)


def compacted(text: str, number: int = 0) -> str:
    """As the client does it: every line of 24 letters and more goes to the table."""
    values: dict[str, str] = {}
    skeleton = []
    for line in text.split("\n"):
        if len(line) >= 24:
            line = values.setdefault(line, f"⟪M{number}:{len(values)}:line⟫")
        skeleton.append(line)
    table = "\n".join(f"{marker}={json.dumps(value)}" for value, marker in values.items())
    return "\n".join(
        [
            f"⟪MORPH_DEFINITIONS_BEGIN_{number}⟫",
            table,
            f"⟪MORPH_DEFINITIONS_END_{number}⟫",
            f"⟪MORPH_CODE_BEGIN_{number}⟫",
            "\n".join(skeleton),
        ]
    )


@given(st.lists(LINE, max_size=12), st.integers(0, 20))
def test_the_file_comes_back(lines, number):
    text = "\n".join(lines)
    code = compacted(text, number)
    assert is_anchored(code, "do it" + SUFFIX)
    assert expand(code, "do it" + SUFFIX) == (text, "do it")


def test_a_file_that_looks_like_it_is_left_alone_without_the_words():
    assert not is_anchored(compacted("x" * 30), "do it")


def test_an_anchor_that_is_not_in_the_table_is_an_error():
    code = compacted("x" * 30).replace("⟪M0:0:line⟫\n", "⟪M0:1:line⟫\n") + "⟪M0:7:line⟫"
    with pytest.raises(PromptError, match="M0:7:line"):
        expand(code, SUFFIX)


@pytest.mark.parametrize("spoilt", ["⟪M0:0:line⟫=1", "⟪M0:0:line⟫", '⟪M0:0:line⟫="x'])
def test_a_spoilt_table_is_an_error(spoilt):
    code = compacted("x" * 30).replace(f'⟪M0:0:line⟫="{"x" * 30}"', spoilt)
    with pytest.raises(PromptError, match="no text"):
        expand(code, SUFFIX)


def test_a_table_without_an_end_is_an_error():
    with pytest.raises(PromptError, match="not closed"):
        expand(compacted("x" * 30).replace("END", "AND"), SUFFIX)
