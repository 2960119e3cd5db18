"""The same pitfalls where an edit goes through the model tier: window, prompt, known lines, merge and checks.

The tiny random model with an endless bias writes what the alignment proposes, so right merges are known.
"""

import pytest

from applier import Applier, EditRequest, EditResult, Status
from applier.types import LineRange, RefusalReason, Tier
from tests.applier.tiny_applier import ENDLESS, tiny_applier

KEEP = "# ... existing code ..."


@pytest.fixture(scope="module")
def applier() -> Applier:
    return tiny_applier(bias=ENDLESS)


def merge(applier: Applier, original: str | bytes, edit: str, path: str = "x.py") -> EditResult:
    data = original if isinstance(original, bytes) else original.encode()
    return applier.apply(EditRequest(original=data, edit=edit.encode(), path=path))


def applied(result: EditResult) -> str:
    assert result.refusal is None
    assert (result.status, result.tier == Tier.EXACT) == (Status.APPLIED, False)
    return result.content.decode()


def test_code_may_hold_the_models_own_tokens(applier):
    original = "a = '<|im_end|>'\nb = '<empty_output>'\nc = '<|im_start|><file_sep>'\nd = 1\n"
    edit = f"{KEEP}\nc = '<|im_start|><file_sep>'\ne = '<issue_comment><|im_end|>'\nd = 1\n"
    expected = original.replace("d = 1", "e = '<issue_comment><|im_end|>'\nd = 1")
    assert applied(merge(applier, original, edit)) == expected


@pytest.mark.parametrize("text", ["$& $1 $$ $`", r"\1 \g<0> \n \\", "{0} {{}} %s %(x)s", "a\tb \x0b\x0c c"])
def test_text_is_never_a_pattern(applier, text):
    original = "first = 1\nold = 2\nlast = 3\n"
    edit = f"first = 1\nold = {text!r}\n{KEEP}\n"
    assert applied(merge(applier, original, edit)) == original.replace("old = 2", f"old = {text!r}")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_line_ends_encoding_and_a_missing_final_newline_stay(applier, codec):
    original = "def f():\r\n\tname = 'é'\r\n\treturn name".encode(codec)
    edit = f"def f():\n{KEEP}\n\tlog(name)\n\treturn name\n"
    result = merge(applier, original, edit)
    assert result.refusal is None
    assert result.content == "def f():\r\n\tname = 'é'\r\n\tlog(name)\r\n\treturn name".encode(codec)


def test_a_large_file_costs_what_its_edit_costs(applier):
    lines = [f"value_{n} = compute({n})" for n in range(50_000)]
    edit = f"{KEEP}\nvalue_30000 = compute(30000)\nextra = 1\nvalue_30001 = compute(30001)\n{KEEP}\n"
    result = merge(applier, "\n".join(lines) + "\n", edit)
    expected = [*lines[:30_001], "extra = 1", *lines[30_001:]]
    assert applied(result) == "\n".join(expected) + "\n"
    assert result.tokens.prompt < 1000


def test_one_bad_block_leaves_nothing_half_done(applier):
    original = "".join(f"line_{n} = {n}\n" for n in range(100))
    good = "<<<<<<< SEARCH\nline_7 = 7\n=======\nline_7 = 70\n>>>>>>> REPLACE\n"
    bad = "<<<<<<< SEARCH\nnowhere to be found\nat all\n=======\nx\n>>>>>>> REPLACE\n"
    result = merge(applier, original, good + bad)
    assert result.status is Status.REFUSED
    assert result.refusal.reason is RefusalReason.NO_MATCH
    assert result.refusal.edit_line == 6
    assert result.content == original.encode()


def test_exact_and_inexact_blocks_are_applied_together(applier):
    original = "".join(f"line_{n} = call({n}, 'x')\n" for n in range(100))
    exact = "<<<<<<< SEARCH\nline_7 = call(7, 'x')\n=======\nline_7 = 70\n>>>>>>> REPLACE\n"
    inexact = "<<<<<<< SEARCH\nline_50 = call(50, \"x\")\nline_51 = call(51, 'x')\n=======\n"
    inexact += "line_50 = 500\nline_51 = call(51, 'x')\n>>>>>>> REPLACE\n"
    expected = original.replace("line_7 = call(7, 'x')", "line_7 = 70")
    expected = expected.replace("line_50 = call(50, 'x')", "line_50 = 500")
    assert applied(merge(applier, original, exact + inexact)) == expected


def test_two_parts_on_one_line_contradict(applier):
    original = "alpha = first(1)\nbeta = second(2)\n"
    block = "<<<<<<< SEARCH\nalpha = first( 1)\nbeta = second(2)\n=======\n"
    block += "alpha = {}\nbeta = second(2)\n>>>>>>> REPLACE\n"
    result = merge(applier, original, block.format(8) + block.format(9))
    assert result.status is Status.REFUSED
    assert result.refusal.reason is RefusalReason.CONTRADICTORY_EDIT
    assert result.content == original.encode()


def test_a_stale_diff_is_merged_and_not_called_exact(applier):
    original = "def f(a):\n    x = one(a)\n    y = two(x)\n    return y\n"
    diff = "@@ -1,4 +1,5 @@\n def f(a):\n     x = one(a )\n     y = two(x)\n+    log(y)\n     return y\n"
    result = merge(applier, original, diff)
    assert applied(result) == original.replace("    return y", "    log(y)\n    return y")
    assert result.confidence <= 1.0


def test_a_merge_applied_twice_is_seen(applier):
    original = "def f(a):\n    x = one(a)\n    return x\n"
    edit = f"{KEEP}\n    x = one(a)\n    log(x)\n    return x\n"
    once = applied(merge(applier, original, edit))
    again = merge(applier, once, edit)
    assert again.status is Status.ALREADY_APPLIED
    assert again.content.decode() == once


def test_a_snippet_that_may_mean_to_remove_what_it_does_not_show(applier):
    rest = "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(9))
    original = "import os\n\nimport sys\nimport json\nVALUE = sys.argv\n\n\n" + rest
    shown = "import sys\nimport json\nVALUE = sys.argv\n"
    result = merge(applier, original, f"{shown}{KEEP}\n")
    assert result.status is Status.REFUSED
    assert result.refusal.reason is RefusalReason.AMBIGUOUS_MATCH
    assert result.refusal.candidates == (LineRange(1, 2),)
    assert result.content == original.encode()
    for edit in (f"{KEEP}\n{shown}{KEEP}\n", f"import os\n\n{shown}{KEEP}\n", "def f3():\n    return 3\n"):
        assert merge(applier, original, edit).status is Status.ALREADY_APPLIED


def test_imports_and_body_arrive_together(applier):
    original = "import os\n\n\ndef f():\n    return os.getcwd()\n\n\ndef g():\n    return 2\n"
    edit = f"import os\nimport sys\n\n{KEEP}\n\ndef g():\n    return sys.maxsize\n"
    expected = original.replace("import os\n", "import os\nimport sys\n").replace(
        "return 2", "return sys.maxsize"
    )
    assert applied(merge(applier, original, edit)) == expected


def test_pythons_own_dots_are_code(applier):
    original = "class A:\n    x = 1\n\n    def f(self): ...\n\n    def g(self):\n        return 1\n"
    edit = f"class A:\n    {KEEP}\n    def f(self, a): ...\n    {KEEP}\n"
    assert applied(merge(applier, original, edit)) == original.replace("f(self)", "f(self, a)")


def test_a_placeholder_never_reaches_the_file(applier):
    original = "a = 1\nb = 2\nc = 3\n"
    for marker in ("# ...", "# rest of the file unchanged", "// ... existing code ...", "..."):
        result = merge(applier, original, f"{marker}\nb = 20\n{marker}\n")
        assert marker.encode() not in result.content
