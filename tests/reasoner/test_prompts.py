"""What is asked for, in each format."""

from __future__ import annotations

import pytest

from applier.patches.types import SourceFile
from applier.types import EditFormat
from reasoner.digest import digest
from reasoner.errors import UsageError
from reasoner.extract import extract
from reasoner.prompts import build_request, formats, text_for_model
from reasoner.types import ProposeOptions, Role, Sampling, Task, Turn

FILES = [SourceFile("a.py", b"x = 1\n"), SourceFile("b.md", b"# T\n```\ncode\n```\n")]


@pytest.mark.parametrize("format", formats())
def test_every_format_has_rules_and_its_example_is_read_back(format: EditFormat) -> None:
    request = build_request(Task("t"), FILES[:1], ProposeOptions(format))
    system = request.messages[0].text
    example = extract(system, ["path/as/given.py"], format)
    if format is not EditFormat.UNIFIED_DIFF:  # described in words, which models know
        assert example.edits[0].format in (format, EditFormat.LAZY)
        assert example.edits[0].path == "path/as/given.py"


def test_a_fence_is_longer_than_any_in_the_files() -> None:
    request = build_request(Task("t"), FILES, ProposeOptions())
    assert request.messages[1].text == (
        "File: a.py\n````\nx = 1\n````\n\nFile: b.md\n````\n# T\n```\ncode\n```\n````\n\nTask: t"
    )
    assert "````python" in request.messages[0].text


def test_tools_replace_the_text_rules() -> None:
    request = build_request(Task("t"), FILES, ProposeOptions(EditFormat.SEARCH_REPLACE, use_tools=True))
    assert [tool.name for tool in request.tools] == ["edit_file"]
    assert "SEARCH" not in request.messages[0].text
    assert "SEARCH" in str(request.tools[0].parameters)


def test_earlier_rounds_are_part_of_the_conversation() -> None:
    task = Task("t", (Turn("reply", "feedback"),))
    roles = [(m.role, m.text) for m in build_request(task, FILES, ProposeOptions()).messages[2:]]
    assert roles == [(Role.ASSISTANT, "reply"), (Role.USER, "feedback")]


def test_equal_requests_have_equal_digests_and_others_do_not() -> None:
    base = build_request(Task("t"), FILES, ProposeOptions())
    assert digest(base) == digest(build_request(Task("t"), FILES, ProposeOptions()))
    others = [
        build_request(Task("u"), FILES, ProposeOptions()),
        build_request(Task("t"), FILES[:1], ProposeOptions()),
        build_request(Task("t"), FILES, ProposeOptions(sampling=Sampling(seed=1))),
        build_request(Task("t"), FILES, ProposeOptions(EditFormat.V4A)),
    ]
    assert len({digest(request) for request in [base, *others]}) == 5


def test_what_a_model_sees_is_plain_text() -> None:
    assert text_for_model(b"\xef\xbb\xbfa\r\nb\rc") == "a\nb\nc"
    assert text_for_model(b"caf\xe9\n") == "café\n"


def test_a_format_nobody_can_be_asked_for() -> None:
    with pytest.raises(UsageError, match="cannot ask"):
        build_request(Task("t"), FILES, ProposeOptions(EditFormat.AUTO))
