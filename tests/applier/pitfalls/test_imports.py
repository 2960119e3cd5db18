"""Imports and everything else above the edit survive."""

from __future__ import annotations

import pytest

from applier.types import EditFormat, Status
from tests.applier.exact_tier import run

SOURCE = b"""import os
import sys
from a import (
    b,
    c,
)


def f():
    return os.name
"""


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            b"<<<<<<< SEARCH\nimport sys\n=======\nimport re\nimport sys\n>>>>>>> REPLACE\n",
            SOURCE.replace(b"import sys\n", b"import re\nimport sys\n"),
        ),
        (
            b"@@ -1,2 +1,3 @@\n import os\n+import re\n import sys\n"
            b"@@ -9,2 +10,2 @@\n def f():\n-    return os.name\n"
            b"+    return re.escape(os.name)\n",
            SOURCE.replace(b"import sys\n", b"import re\nimport sys\n").replace(
                b"os.name", b"re.escape(os.name)"
            ),
        ),
        (
            b"*** Begin Patch\n*** Update File: x.py\n@@\n     b,\n+    bb,\n     c,\n*** End Patch\n",
            SOURCE.replace(b"    c,\n", b"    bb,\n    c,\n"),
        ),
    ],
)
def test_imports_stay(edit: bytes, expected: bytes) -> None:
    outcome = run(SOURCE, edit)
    assert outcome.status is Status.APPLIED
    assert outcome.content == expected


def test_a_snippet_without_the_imports_does_not_replace_the_file() -> None:
    edit = b"def f():\n    return sys.argv\n"
    outcome = run(SOURCE, edit, EditFormat.AUTO)
    assert outcome.needs_model
    assert outcome.content == SOURCE
