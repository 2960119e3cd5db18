"""The name that a line defines, if it looks like the head of a definition: what tells one scope of a file
from its neighbours, which often are like it line by line.

Told by the line alone and by how the languages at hand write heads; a grammar would need the lines around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .file_lines import FileLines
from .line_cache import of_line


def definitions(lines: FileLines, name: str) -> Iterator[int]:
    """The lines of a file that define a name."""
    return (row for row in lines.rows_with(name) if header_name(lines.text(row)) == name)


# `def name`, `class Name`, `fun Type.name`, `func (receiver) name`, `impl Trait for Type`.
_DEFINITION = re.compile(
    r"\b(?:def\s+self\.|(?:def|defp|class|fn|function\*?|struct|enum|trait|interface|type|module|record|object"
    r"|namespace|protocol|extension|func)\s+|func\s*\([^)]*\)\s*|fun\s+(?:<[^>]*>\s*)?(?:[\w.<>?]+\.)?(?=`)"
    r"|fun\s+(?:<[^>]*>\s*)?(?:[\w<>?]+\.)?|impl(?:<[^>]*>)?\s+(?:[\w:<>, ]+\s+for\s+)?)(\w+|`[^`]+`)"
)
# `const name = (…) => {`, `name: function(…) {`, `name = async function(…) {`.
_ASSIGNED = re.compile(
    r"(?:^|[\s.])([\w$]+)\s*(?:[:=]|:[^=]*=)\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*(?::[^=]*)?=>|\w+\s*=>)"
)
# A call that is given a title and a block: `it('does so', () => {`, `t.Run("so", func…{`, `test "so" do`.
_TITLED = re.compile(r"^(?:await\s+)?([\w.]+)(?:\s*\(\s*|\s+)(['\"`])(.+?)\2\s*(?:,|\)|do\b|->|$)")
# A macro that defines: `TEST(Suite, name) {`, `BENCHMARK_DEFINE_F(Suite, name)(state) {`.
_MACRO = re.compile(r"^[A-Z][A-Z0-9_]*[A-Z]\s*\(([^()]+)\)")
_HEADER = re.compile(r"(?:^|[\s*&]|::)(\w+)\s*(?:<[^>]*>)?\s*\(")
# A method whose brace stands on the next line, known by its modifiers.
_UNBRACED = re.compile(
    r"^(?:public|private|protected|internal|static|override|virtual|abstract|final|inline|extern|sealed|async)\b"
    r"[^=;({]*?([\w~]+)\s*(?:<[^>]*>)?\s*\([^;={]*$"
)
OPENERS = ("{", ":", "(", "=>")  # what a head ends in
_TITLED_OPENERS = (*OPENERS, "do", "|", "->")
_BRANCHES = ("if", "for", "foreach", "while", "until", "unless", "do", "switch", "match", "when", "case")
_BLOCKS = ("else", "elif", "try", "catch", "with", "using", "lock", "synchronized", "func", "function", "fn")
_WORDS = (
    "async",
    "return",
    "yield",
    "await",
    "throw",
    "raise",
    "assert",
    "new",
    "super",
    "in",
    "and",
    "or",
    "not",
)
_NOT_NAMES = frozenset((*_BRANCHES, *_BLOCKS, *_WORDS))


@of_line
def header_name(line: str) -> str | None:
    """The name that a line defines, its title where it is a call with a title and a block (a test); None for
    other lines.
    """
    text = line.strip()
    if text.endswith(_TITLED_OPENERS) and (found := _TITLED.search(text)) and found[1] not in _NOT_NAMES:
        return found[3]
    if found := _DEFINITION.search(text):
        return found[1]
    if text.endswith(OPENERS):
        if found := _ASSIGNED.search(text):
            return found[1]
        if found := _MACRO.search(text):
            return found[1]
        found = _HEADER.search(text)
        if found and found[1] not in _NOT_NAMES:
            return found[1]
        return None
    found = _UNBRACED.search(text)
    return found[1] if found else None
