"""Conditional compilation: what is left of a file where every symbol is defined, and where none is.

A grammar reads all branches of an `#if` at once. That is no program where a branch ends in the middle of a
statement, so a file that it cannot read may still be right in each of its configurations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DIRECTIVE = re.compile(
    rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elseif|elifdef|elifndef|else|endif)\b(.*)", re.DOTALL
)
_COMMENT = re.compile(rb"//.*|/\*.*?(?:\*/|$)", re.DOTALL)
_TOKEN = re.compile(rb"&&|\|\||!(?!=)|[()]|(?:[^\s&|!()]|&(?!&)|\|(?!\|)|!=)+")
_DEEPEST = 32  # parentheses in a condition
_LITERALS = {b"0": False, b"false": False, b"1": True, b"true": True}


@dataclass(frozen=True, slots=True)
class Configuration:
    """`text` has a blank line for every line that is not compiled; `shown` says which lines are."""

    text: bytes
    shown: Sequence[bool]


def configurations(text: bytes) -> tuple[Configuration, ...]:
    """With every symbol defined, and with none; empty without conditions, or where these do not pair up."""
    lines = text.split(b"\n")
    if not any(_DIRECTIVE.match(line) for line in lines):
        return ()
    found = [_configuration(lines, defined) for defined in (True, False)]
    return tuple(each for each in found if each) if all(found) else ()


def _configuration(lines: Sequence[bytes], defined: bool) -> Configuration | None:
    shown: list[bool] = []
    kept: list[bytes] = []
    open_: list[tuple[bool, bool]] = []  # around each open condition: shown there, some branch taken
    on = True
    for count, word, condition in _pieces(lines):
        first = len(shown)
        shown += [on or word is not None] * count
        kept += lines[first : first + count] if on and word is None else [b""] * count
        if word in (b"if", b"ifdef", b"ifndef"):
            taken = _is_guard(word, condition, lines, first + count) or _holds(word, condition, defined)
            open_.append((on, taken))
            on = on and taken
        elif word is not None:
            if not open_:
                return None
            outer, taken = open_.pop()
            if word == b"endif":
                on = outer
                continue
            holds = not taken and _holds(word, condition, defined)
            open_.append((outer, taken or holds))
            on = outer and holds
    return None if open_ else Configuration(b"\n".join(kept), shown)


def _pieces(lines: Sequence[bytes]) -> Iterator[tuple[int, bytes | None, bytes]]:
    """(lines, directive, condition) of each directive with its continuations, and of each other line."""
    at = 0
    while at < len(lines):
        found = _DIRECTIVE.match(lines[at])
        start, at = at, at + 1
        if found is None:
            yield 1, None, b""
            continue
        condition = found[2]
        while condition.rstrip().endswith(b"\\") and at < len(lines):
            condition = condition.rstrip()[:-1] + lines[at]
            at += 1
        yield at - start, found[1], _COMMENT.sub(b"", condition).strip()


def _is_guard(word: bytes, symbol: bytes, lines: Sequence[bytes], below: int) -> bool:
    """Whether an `#ifndef` keeps a header from being read twice: it is followed by the symbol's `#define`."""
    while below < len(lines) and not lines[below].strip():
        below += 1
    words = lines[below].split() if below < len(lines) else []
    return word == b"ifndef" and words[:2] == [b"#define", symbol]


def _holds(word: bytes, condition: bytes, defined: bool) -> bool:
    if word == b"else":
        return True
    if word in (b"ifdef", b"elifdef"):
        return defined
    if word in (b"ifndef", b"elifndef"):
        return not defined
    return defined if condition.count(b"(") > _DEEPEST else _Condition(condition, defined).either()


class _Condition:
    """Its value where every name, call and comparison is true, or every one false."""

    def __init__(self, text: bytes, defined: bool) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0
        self._defined = defined

    def _next(self) -> bytes:
        return self._tokens[self._at] if self._at < len(self._tokens) else b""

    def either(self) -> bool:
        value = self._both()
        while self._next() == b"||":
            self._at += 1
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._one()
        while self._next() == b"&&":
            self._at += 1
            value = self._one() and value
        return value

    def _one(self) -> bool:
        negated = False
        while self._next() == b"!":
            self._at += 1
            negated = not negated
        if self._next() == b"(":
            self._at += 1
            value = self.either()
            self._at += 1
            self._skip()
            return value is not negated
        start = self._at
        self._skip()
        value = _LITERALS.get(b"".join(self._tokens[start : self._at]), self._defined)
        return value is not negated

    def _skip(self) -> None:
        """To the operator after an operand: `defined(A)` and `A(1) >= 2` are one."""
        depth = 0
        while token := self._next():
            if not depth and token in (b"&&", b"||", b")"):
                return
            depth += (token == b"(") - (token == b")")
            self._at += 1
