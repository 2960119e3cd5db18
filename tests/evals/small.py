"""Edits of a few short lines, which a tiny random model decides quickly (and mostly wrongly)."""

from applier.types import EditFormat
from evals.cases import Case, Category
from evals.cases.written import load_written

ORIGINAL = b"a = 1\nb = 2\nc = 3\nd = 4\n"


def small_lazy(letter, value):
    line = f"{letter} = {value}\n".encode()
    old = next(text for text in ORIGINAL.splitlines(keepends=True) if text.startswith(letter.encode()))
    return Case(
        id=f"small/{letter}{value}",
        category=Category.PLAIN,
        language="python",
        path="small.py",
        format=EditFormat.LAZY,
        original=ORIGINAL,
        edit=b"# ... existing code ...\n" + line + b"# ... existing code ...\n",
        expected=ORIGINAL.replace(old, line),
    )


LAZY = [small_lazy(letter, value) for letter in "abcd" for value in (7, 8)]
EXACT = [
    case
    for case in load_written()
    if case.id.split("/")[0] in ("retry-backoff", "json-config") and case.format is not EditFormat.LAZY
    if case.category in (Category.PLAIN, Category.LINE_ENDINGS, Category.ERROR_REPORT)
    if not case.id.endswith(("no-match", "/lazy"))
]
