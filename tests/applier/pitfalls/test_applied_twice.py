"""Applying an edit to its own result changes nothing and says so."""

from __future__ import annotations

import pytest

from applier import Applier
from applier.types import EditRequest, LineRange, Refusal, RefusalReason, Status
from tests.applier.exact_tier import run

SOURCE = b"import os\n\n\ndef f():\n    one()\n    two()\n"
EDITS = [
    b"<<<<<<< SEARCH\nimport os\n=======\nimport os\nimport sys\n>>>>>>> REPLACE\n",
    b"<<<<<<< SEARCH\nimport os\n=======\nimport abc\nimport os\n>>>>>>> REPLACE\n",
    b"<<<<<<< SEARCH\n    two()\n=======\n    two()\n    three()\n>>>>>>> REPLACE\n",
    b"@@ -4,3 +4,4 @@\n def f():\n     one()\n+    extra()\n     two()\n",
    b"@@ -5,2 +5,3 @@\n     one()\n     two()\n+    extra()\n",
    b"@@ -1,6 +1,5 @@\n import os\n \n \n def f():\n-    one()\n     two()\n",
    b"*** Begin Patch\n*** Update File: x.py\n@@\n+last = True\n*** End of File\n*** End Patch\n",
]


@pytest.mark.parametrize("edit", EDITS)
def test_the_second_time_nothing_happens(edit: bytes) -> None:
    first = run(SOURCE, edit)
    assert first.status is Status.APPLIED, first.refusal
    second = run(first.content, edit)
    assert second.status is Status.ALREADY_APPLIED, second.refusal
    assert second.content == first.content


def test_a_new_line_that_stands_somewhere_is_no_result_by_itself() -> None:
    edit = b"<<<<<<< SEARCH\n    one()\n=======\n    uno()\n>>>>>>> REPLACE\n"
    second = run(run(SOURCE, edit).content, edit)
    assert second.needs_model
    assert Applier.without_model().apply(
        EditRequest(SOURCE.replace(b"one", b"uno"), edit)
    ).refusal == Refusal(
        RefusalReason.NO_MATCH,
        "The block at line 1 of the edit shows 'one()', and the file has no such line there, nor one that "
        "differs in looks only. Copy the old lines from the file. Its new lines stand at line 5 already; if "
        "that is the change, nothing is left to do.",
        (LineRange(5, 5),),
        1,
    )


def test_a_value_under_its_own_name_is_the_result() -> None:
    edit = b"<<<<<<< SEARCH\nlimit = 1\n=======\nlimit = 2\n>>>>>>> REPLACE\n"
    assert run(b"limit = 2\n", edit).status is Status.ALREADY_APPLIED


def test_a_snippet_that_the_file_shows() -> None:
    edit = b"# ... existing code ...\ndef f():\n    one()\n    two()\n"
    assert run(SOURCE, edit).status is Status.ALREADY_APPLIED


def test_a_deletion_comment_is_work_to_do() -> None:
    edit = b"def f():\n    # removed: one()\n    two()\n"
    assert run(SOURCE, edit).needs_model


@pytest.mark.parametrize(
    "edit",
    [
        b"<<<<<<< SEARCH\n  one()\n=======\n    two()\n>>>>>>> REPLACE\n",  # drifted: `one()` is still there
        b"<<<<<<< SEARCH\n    nine()\n=======\n>>>>>>> REPLACE\n",  # a deletion of what never was
        b"<<<<<<< SEARCH\n    nine()\n=======\n\n>>>>>>> REPLACE\n",  # its result stands everywhere
    ],
)
def test_what_only_looks_applied_is_not(edit: bytes) -> None:
    assert run(SOURCE, edit).needs_model


def test_a_brace_more_is_added_although_one_is_there() -> None:
    source = b"f() {\n  g();\n}\n}\n"
    edit = b"<<<<<<< SEARCH\n  g();\n=======\n  g();\n}\n>>>>>>> REPLACE\n"
    assert run(source, edit, path="a.txt").content == b"f() {\n  g();\n}\n}\n}\n"


def test_a_deletion_with_a_misremembered_line_has_not_been_made() -> None:
    kept = b"def f():\n    first_step()\n    second_step()\n"
    source = kept + b"\n\ndef obsolete():\n    return 1\n"
    search = kept + b"\n\ndef obsolet():\n    return 1\n"
    edit = b"<<<<<<< SEARCH\n" + search + b"=======\n" + kept + b">>>>>>> REPLACE\n"
    assert run(source, edit).status is not Status.ALREADY_APPLIED
    assert run(kept, edit).status is Status.ALREADY_APPLIED


def test_a_deletion_with_most_lines_misremembered_has_not_been_made() -> None:
    kept = b"using A.B;\nusing A.C;\nclass D {}\n"
    source = b"using System.Linq;\nusing System.Text;\nusing System.Threading;\nusing System.IO;\n" + kept
    search = b"using System.Linq\nusing System.Text\nusing System.Threading;\nusing System.IO\n" + kept[:22]
    edit = b"<<<<<<< SEARCH\n" + search + b"=======\n" + kept[:22] + b">>>>>>> REPLACE\n"
    assert run(source, edit, path="a.cs").needs_model
    assert run(kept, edit, path="a.cs").status is Status.ALREADY_APPLIED
