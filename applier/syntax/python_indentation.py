"""Errors of Python's indentation, which its grammar does not tell: a missing block, a line that stands too
deep or fits no block, tabs that mean one thing in one block and another in the next.

By the rules of the language reference, section 2.1.8, so that no interpreter's version takes part: a tab
goes to the next multiple of 8, and the comparison of two lines must come out the same were it worth 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKENS = re.compile(
    r"""(?P<string>\"{3}(?:[^"\\]|\\.|"(?!""))*+"{3}|\'{3}(?:[^'\\]|\\.|'(?!''))*+'{3}"""
    r"""|"(?!"")(?:[^"\\\n]|\\.)*+"|'(?!'')(?:[^'\\\n]|\\.)*+')"""
    r"""|(?P<comment>\#[^\n]*+)|(?P<joined>\\\n)|(?P<end>\n)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<broken>["'])""",
    re.DOTALL,
)


def indentation_errors(text: str) -> list[int]:
    """The 1-based lines of errors. Of a text whose strings or brackets do not close, those before that."""
    found: list[int] = []
    stack = [(0, 0)]
    opens = False  # the line before opens a block
    for number, line, ends_in_colon in _logical_lines(text):
        width = _widths(line)
        if width is None:
            continue
        wrong = opens and width[0] <= stack[-1][0]
        if width[0] > stack[-1][0]:
            wrong = not opens or width[1] <= stack[-1][1]
            stack.append(width)
        else:
            while width[0] < stack[-1][0]:
                stack.pop()
            if width != stack[-1]:
                wrong = True
                if width[0] > stack[-1][0]:
                    stack.append(width)
        if wrong:
            found.append(number)
        opens = ends_in_colon
    if opens:
        found.append(text.count("\n") + (not text.endswith("\n")))
    return found


def _widths(line: str) -> tuple[int, int] | None:
    """Columns of the indentation with tabs to 8 and to 1; None for a blank line."""
    column = alternative = 0
    for c in line:
        if c == " ":
            column, alternative = column + 1, alternative + 1
        elif c == "\t":
            column, alternative = (column // 8 + 1) * 8, alternative + 1
        elif c == "\f":
            column = alternative = 0
        else:
            return column, alternative
    return None


def _logical_lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """(number of its first line, text of that, whether it ends in a colon) of every line of code."""
    at = start = depth = 0
    number = first = 1
    last = ""  # the last character of code in the line
    for token in _TOKENS.finditer(text):
        before = text[at : token.start()].rstrip()
        if before:
            last = before[-1]
        at, kind = token.end(), token.lastgroup
        if kind == "string":
            number += token[0].count("\n")
            last = "s"
        elif kind == "end":
            number += 1
            if not depth:
                if last:
                    yield first, text[start : text.find("\n", start)], last == ":"
                last, start, first = "", at, number
        elif kind == "joined":
            number += 1
        elif kind == "broken":
            return
        elif kind != "comment":
            last = "b"
            depth = depth + 1 if kind == "open" else max(depth - 1, 0)
    rest = text[at:].rstrip()
    last = rest[-1] if rest else last
    if not depth and last:
        yield first, text[start:].split("\n", 1)[0], last == ":"
