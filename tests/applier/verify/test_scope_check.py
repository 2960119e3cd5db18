"""What is shown under a head alone goes into its body, or nowhere."""

import pytest

from applier.parse import LazySnippet, parse_edit
from applier.text.source_text import SourceText
from applier.types import EditFormat, LineRange, Refusal, RefusalReason
from applier.verify.scope_check import stray_refusal

FILE = """\
def first(path):
    with open(path) as file:
        text = file.read()
    return text

def second(path):
    with open(path) as file:
        text = file.read()
    return text
"""
ORIGINAL = FILE.split("\n")
SNIPPET = """\
def second(path):
    # ... existing code ...
        data = file.read()
    # ... existing code ...
"""


def changed(at: int, text: str = "        data = file.read()") -> list[str]:
    return [*ORIGINAL[:at], text, *ORIGINAL[at + 1 :]]


def source(lines: list[str]) -> SourceText:
    return SourceText.decode("\n".join(lines).encode())


def refusal(result: list[str], snippet: str = SNIPPET) -> Refusal | None:
    edit = parse_edit(snippet, EditFormat.LAZY, language="python")
    assert isinstance(edit, LazySnippet)
    return stray_refusal(source(ORIGINAL), source(result), edit, "python")


def test_a_line_inside_its_head_is_fine():
    assert refusal(changed(7)) is None


def test_a_line_in_another_body_is_refused_with_the_place_that_is_shown():
    found = refusal(changed(2))
    assert found is not None
    assert found.reason is RefusalReason.AMBIGUOUS_MATCH
    assert found.candidates == (LineRange(6, 9),)
    assert found.edit_line == 3


@pytest.mark.parametrize(
    "snippet",
    [
        SNIPPET.replace(
            "# ... existing code ...\n    ", "", 1
        ),  # the head's chunk goes on: context, not a place
        SNIPPET.replace("def second(path):", "    return text"),  # no head
        SNIPPET.replace("        data", "data"),  # no deeper than the head
        SNIPPET.replace("second", "third"),  # a head that the result lacks
        SNIPPET.replace("data = file.read()", "pass"),  # hardly a word
    ],
)
def test_other_chunks_are_bound_to_nothing(snippet):
    assert refusal(changed(2), snippet) is None


def test_annotations_and_remarks_belong_to_the_head():
    original = [line.replace("def second", "@cached\ndef second") for line in changed(2)]
    result = "\n".join(original).split("\n")
    snippet = "@cached\n" + SNIPPET.replace("):", "):  # ... unchanged", 1)
    assert refusal(result, snippet) is not None


def test_a_head_that_stands_twice_binds_nothing():
    result = [line.replace("first", "second") for line in changed(2)]
    assert refusal(result) is None


def test_other_formats_say_where_they_belong():
    edit = parse_edit("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")
    assert stray_refusal(source(ORIGINAL), source(changed(2)), edit, "python") is None
