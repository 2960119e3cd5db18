"""The gate is as strict as the language, and refuses no valid code."""

from __future__ import annotations

import pytest

from applier import Applier
from applier.types import EditRequest, EditResult, RefusalReason, Status

APPLIER = Applier.without_model()


def change(file: str, old: str, new: str, path: str) -> EditResult:
    edit = f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"
    return APPLIER.apply(EditRequest(file.encode(), edit.encode(), path))


CLASS = "class A:\n    def run(self):\n        if self.ok:\n            self.go()\n        return self\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("            self.go()\n", "self.go()\n"),
        ("        return self\n", "            return self\n      x = 1\n"),
        ("    def run(self):\n", "    def run(self):\n    def stop(self):\n"),
        ("        return self\n", "\treturn self\n"),
    ],
)
def test_indentation_that_is_no_python(old: str, new: str) -> None:
    result = change(CLASS, old, new, "a.py")
    assert result.refusal is not None
    assert result.refusal.reason is RefusalReason.SYNTAX_ERROR


def test_errors_that_the_file_had_are_no_reason() -> None:
    broken = CLASS + "    def stop(self):\n  return 1\n"
    assert change(broken, "        return self\n", "        return None\n", "a.py").status is Status.APPLIED


def test_a_large_file_is_looked_at_around_the_change() -> None:
    file = "".join(f"def f{i}(x):\n    y = x + {i}\n    return y\n\n\n" for i in range(8000))
    assert change(file, "    y = x + 4000\n", "    y = x - 4000\n", "a.py").status is Status.APPLIED
    assert change(file, "    y = x + 4000\n", "      y = x - 4000\n", "a.py").status is Status.REFUSED


# What the grammar does not know of the language; each is valid.
PYTHON = [
    "class A[T = int]:\n    pass\n",
    "def f[T = int, *Ts = *tuple[int, ...]](x: T) -> T:\n    return x\n",
    "type X[T: str = dict[str, list[int]]] = list[T]\n",
    "class A[\n    T = int,\n    **P = [int, str],\n]:\n    pass\n",
    "try:\n    pass\nexcept (A, B):\n    pass\n",
    'x = f"{a["b"]}"\n',
    "match x:\n    case [1, *_] | {'a': b, **r}:\n        pass\n",
]


@pytest.mark.parametrize("new", PYTHON)
def test_valid_python_passes(new: str) -> None:
    result = change("import os\nx = 1\n", "x = 1\n", "x = 1\n" + new, "a.py")
    assert result.status is Status.APPLIED, result.refusal


PAGE = "<p>\n  a\n</p>\n<script{}>\n  const a = 1;\n</script>\n<style>\n  p {{ color: red; }}\n</style>\n"


@pytest.mark.parametrize("path", ["a.html", "a.vue", "a.svelte"])
@pytest.mark.parametrize(
    ("old", "new", "attributes", "status"),
    [
        ("  const a = 1;\n", "  const a = 2;\n", "", Status.APPLIED),
        ("  const a = 1;\n", "  const a = ;\n", "", Status.REFUSED),
        ("  const a = 1;\n", "  const a: number = 2;\n", ' lang="ts"', Status.APPLIED),
        ("  const a = 1;\n", "  const a = {{ value }};\n", "", Status.APPLIED),
        ("  const a = 1;\n", "  <b>{{x}}</b>\n", ' type="text/template"', Status.APPLIED),
        ("  p { color: red; }\n", "  p { color: ; }}\n", "", Status.REFUSED),
    ],
)
def test_scripts_and_styles_are_parsed_in_their_language(path, old, new, attributes, status) -> None:
    assert change(PAGE.format(attributes), old, new, path).status is status
