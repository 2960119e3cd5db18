"""`$&`, `\\1` and the like are text."""

from __future__ import annotations

import pytest

from applier.types import EditFormat
from tests.applier.exact_tier import run

SOURCE = b"x = 'old'\ny = 2\n"


@pytest.mark.parametrize(
    "text",
    [b"$&", b"$1", b"$`", b"$'", b"$$", b"\\1", b"\\g<0>", b"\\n", b"%s", b"{0}", b"&", b"\\\\", b"*.?[a]"],
)
@pytest.mark.parametrize(
    "format", [EditFormat.SEARCH_REPLACE, EditFormat.UNIFIED_DIFF, EditFormat.WHOLE_FILE]
)
def test_literal(text: bytes, format: EditFormat) -> None:
    new = b"x = 1  # " + text
    edit = {
        EditFormat.SEARCH_REPLACE: b"<<<<<<< SEARCH\nx = 'old'\n=======\n" + new + b"\n>>>>>>> REPLACE\n",
        EditFormat.UNIFIED_DIFF: b"@@ -1,2 +1,2 @@\n-x = 'old'\n+" + new + b"\n y = 2\n",
        EditFormat.WHOLE_FILE: new + b"\ny = 2\n",
    }[format]
    assert run(SOURCE, edit, format).content == new + b"\ny = 2\n"
    # and in what is searched for
    back = b"<<<<<<< SEARCH\n" + new + b"\n=======\nx = 'old'\n>>>>>>> REPLACE\n"
    assert run(new + b"\ny = 2\n", back).content == SOURCE
