"""Which ends new lines take."""

from __future__ import annotations

import pytest

from applier import Applier
from applier.types import EditFormat, EditRequest

APPLIER = Applier.without_model()


@pytest.mark.parametrize("format", [EditFormat.WHOLE_FILE, EditFormat.AUTO])
def test_a_new_file_has_the_ends_of_the_edit(format: EditFormat) -> None:
    edit = b"def f():\r\n    return 2\r\n"
    assert APPLIER.apply(EditRequest(b"", edit, "f.py", format=format)).content == edit
    assert APPLIER.apply(EditRequest(b"", b"a\r\nb\n", "f.txt", format=format)).content == b"a\nb\n"


def test_a_file_keeps_its_own_ends() -> None:
    result = APPLIER.apply(EditRequest(b"a\nb\n", b"a\r\nc\r\n", "f.txt", format=EditFormat.WHOLE_FILE))
    assert result.content == b"a\nc\n"


def test_a_changed_line_of_a_mixed_file_keeps_its_end() -> None:
    edit = b"<<<<<<< SEARCH\nb\n=======\nB\nB2\n>>>>>>> REPLACE\n"
    assert APPLIER.apply(EditRequest(b"a\r\nb\nc\r\n", edit, "f.txt")).content == b"a\r\nB\nB2\nc\r\n"
    assert APPLIER.apply(EditRequest(b"a\nb\r\nc\n", edit, "f.txt")).content == b"a\nB\r\nB2\r\nc\n"
