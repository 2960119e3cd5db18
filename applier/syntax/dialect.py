"""Rewrites what a grammar does not know of a language as it is written, in terms that it does know.

Macros and templates are not syntax of the language that a file is in, and a grammar takes them for errors.
Each rule here replaces one habit by something valid in its place, on the same lines; brackets and keywords of
the code around it are left alone. Conditional compilation is taken out by `preprocessor`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .preprocessor import Configuration, configurations

_CONDITIONAL = frozenset({"c", "cpp", "csharp", "swift"})
_OBJECTIVE_C = re.compile(rb"^(?:@|[ \t]*#[ \t]*import\b)", re.MULTILINE)  # in a .h

_NAME = rb"\b[A-Z][A-Z0-9_]{2,}\b"
_ARGUMENTS = rb"\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*+\))*+\))*+\)"
_NO_MACROS = (
    rb"^[ \t]*+\#(?:[^\n\\]|\\\r?\n|\\.)*+",  # a directive with its continuations
    rb"//[^\n]*+",
    rb"/\*.*?\*/",
    rb'"(?:[^"\\\n]|\\.)*+"',
    rb"'(?:[^'\\\n]|\\.)*+'",
)
_LOOPS = (rb"\b(?:\w*for_?each\w*|\w*FOR_?EACH\w*)(?=[ \t]*" + _ARGUMENTS + rb"[ \t]*\{)",)
_STATEMENTS = (  # LOG_INFO("started") on a line of its own, with no semicolon
    rb"^[ \t]*" + _NAME + rb"[ \t]*" + _ARGUMENTS + rb"(?=[ \t]*\r?$(?!\s*[][{?:.,()&|+*=<>-]))",
)
_TYPES = (  # API_DECLARE(int) f(void)
    rb"^(?:static\ |extern\ )?[ \t]*" + _NAME + rb"\([^()\n]*+\)(?=[*\s]*[A-Za-z_])",
)
_WORDS = (
    rb"(?<=class\ )" + _NAME + rb"(?=[ \t]+[A-Za-z_])",  # class API Name
    rb"(?<=struct\ )" + _NAME + rb"(?=[ \t]+[A-Za-z_])",
    _NAME + rb"(?=[ \t]+(?:~|[A-Za-z_][\w:<>]*[ \t*&:]+[A-Za-z_]))",  # API int f(), API ~Name()
    rb"(?<=[\w*&>]\ )" + _NAME + rb"(?=[ \t]+[A-Za-z_]\w*\s*\()",  # int CALLBACK f()
    rb"(?<=\)\ )" + _NAME + rb"(?=\s*[;{])",  # void f() NOEXCEPT;
    rb"(?<=\w\ )" + _NAME + rb"(?=[,)])",  # void f(void *unused UNUSED)
)
_MACROS = re.compile(
    b"|".join(
        b"(?P<%b>%b)" % (name, b"|".join(patterns))
        for name, patterns in {
            b"keep": _NO_MACROS,
            b"loop": _LOOPS,
            b"statement": _STATEMENTS,
            b"type": _TYPES,
            b"word": _WORDS,
        }.items()
    ),
    re.DOTALL | re.MULTILINE,
)
_TEMPLATE = re.compile(rb"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<%.*?%>|<\?.*?\?>", re.DOTALL)
# `class A[T = int]:`, a default of PEP 696.
_TYPE_PARAMETERS = re.compile(
    rb"\b((?:class|def|type)[ \t]+\w+[ \t]*\[)((?:[^][]|\[(?:[^][]|\[(?:[^][]|\[[^][]*+\])*+\])*+\])*+)\]"
)
_OLD_TRY = re.compile(rb"\btry!")  # from before Rust 2018 made a keyword of it


def _macro(found: re.Match[bytes]) -> bytes:
    if found.lastgroup == "keep":
        return found[0]
    if found.lastgroup == "type":
        return found[0][found[0].index(b"(") + 1 : -1]
    return {"loop": b"while", "statement": b";"}.get(found.lastgroup or "", b"")


def _blank(found: re.Match[bytes]) -> bytes:
    return b" " + b"\n" * found[0].count(b"\n")


def _without_defaults(found: re.Match[bytes]) -> bytes:
    """Type parameters without what follows `=`, but for line ends."""
    out, depth, default = bytearray(), 0, False
    for c in found[2]:
        depth += (c in b"([{") - (c in b")]}")
        if not depth and c in b",=":
            default = c == b"="[0]
        if not default or c == b"\n"[0]:
            out.append(c)
    return found[1] + bytes(out) + b"]"


_RULES: Mapping[str, tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]]] = {
    "c": (_MACROS, _macro),
    "cpp": (_MACROS, _macro),
    "html": (_TEMPLATE, _blank),
    "python": (_TYPE_PARAMETERS, _without_defaults),
    "rust": (_OLD_TRY, lambda found: b"tri!"),
}


def rewritten(text: bytes, language: str | None) -> tuple[Configuration, ...]:
    """The text in terms that the language's grammar knows, in one or more configurations that are each to be
    parsed. Lines stay where they are. Empty where the text has nothing that is known to trouble the grammar.
    """
    if language in ("c", "cpp") and _OBJECTIVE_C.search(text):
        return ()
    pattern, replace = _RULES.get(language or "", (None, None))
    plain = pattern.sub(replace, text) if pattern and replace else text
    found = configurations(plain) if language in _CONDITIONAL else ()
    if found or plain == text:
        return found
    return (Configuration(plain, [True] * (plain.count(b"\n") + 1)),)
