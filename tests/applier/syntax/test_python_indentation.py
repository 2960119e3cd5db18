from __future__ import annotations

import ast
import random
import sysconfig
import warnings
from pathlib import Path

import pytest

from applier.syntax.python_indentation import indentation_errors


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("def f():\nx = 1\n", [2]),
        ("if a:\n    x\n  y\n", [3]),
        ("x = 1\n    y = 2\n", [2]),
        ("def f():\n\tx = 1\n        y = 2\n", [3]),
        ("def f():\n", [1]),
        ("if a:\n    # nothing\nx = 1\n", [3]),
        ("x = (1,\n  2)\ny = '''\n   :\n'''\n", []),
        ("if a: b\nx = {1:\n  2}\n", []),
        ("x = 1 + \\\n      2\n\x0c\ny = 'a: # b'  # c:\n", []),
        ("if a:\n\tif b:\n\t\tc\n", []),
    ],
)
def test_errors(text: str, lines: list[int]) -> None:
    assert indentation_errors(text) == lines


def test_agrees_with_the_interpreter() -> None:
    rng = random.Random(0)
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    warnings.simplefilter("ignore")
    for path in rng.sample(files, 12):
        text = path.read_text(encoding="utf-8")
        assert indentation_errors(text) == []
        for _ in range(4):
            lines = text.split("\n")
            at = rng.randrange(len(lines))
            lines[at] = rng.choice(("", "  ", "    ", "\t")) + lines[at].lstrip()
            changed = "\n".join(lines)
            try:
                ast.parse(changed)
            except IndentationError:
                assert indentation_errors(changed)
            except SyntaxError:
                pass
            else:
                assert indentation_errors(changed) == []
