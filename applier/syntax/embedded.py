"""Scripts and styles inside of HTML, Vue and Svelte: each is parsed with the grammar of its own language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .languages import canonical
from .parser import error_spans, has_grammar

HOSTS = frozenset({"html", "vue", "svelte"})
_ELEMENT = re.compile(
    rb"<!--.*?-->|<(?P<tag>script|style)\b(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>(?P<code>.*?)</(?P=tag)\s*>",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rb"\b(lang|type)\s*=\s*[\"']?([\w./+-]+)", re.IGNORECASE)
_SCRIPTS = frozenset({"module", "text/javascript", "application/javascript", "text/ecmascript", "text/babel"})
_TEMPLATES = re.compile(rb"\{\{|\{%|<%|<\?")


@dataclass(frozen=True, slots=True)
class Embedded:
    """Code of one element. `line` is the 0-based line of the file at which it starts."""

    language: str
    line: int
    code: bytes

    def errors(self) -> list[tuple[int, int]]:
        """First and last line, 1-based and of the file, of every error."""
        return [(a + self.line, b + self.line) for a, b in error_spans(self.code, self.language) or ()]


def embedded(body: bytes) -> Iterator[Embedded]:
    """The scripts and styles of a file whose language has a grammar, without those that hold templates."""
    line = at = 0
    for found in _ELEMENT.finditer(body):
        if not found["tag"] or _TEMPLATES.search(found["code"]):
            continue
        language = _language(found["tag"].lower(), found["attributes"])
        line += body.count(b"\n", at, found.start("code"))
        at = found.start("code")
        if language is not None and has_grammar(language):
            yield Embedded(language, line, found["code"])


def _language(tag: bytes, attributes: bytes) -> str | None:
    stated = {name.lower(): value.decode().lower() for name, value in _ATTRIBUTE.findall(attributes)}
    if b"lang" in stated:
        return canonical(stated[b"lang"])
    if tag == b"style":
        return "css"
    kind = stated.get(b"type", "module")
    return "json" if kind.endswith("json") else "javascript" if kind in _SCRIPTS else None
