"""Elision markers: the one definition of a line that stands for code it does not show.

``# ... existing code ...``, ``// rest of the file unchanged``, ``{/* ... */}``, a bare ``...`` where the
language gives it no meaning. Every part that asks "is this line a placeholder?" asks here: parsing,
locating, merging, the leak check and the synthesis of training data.

A marker is a whole line. Two levels of the question exist:

- `marker_kind` looks at one line alone. It calls a line code when in doubt: Python's ``...``, a spread, a
  range, a comment that merely ends in dots.
- `find_markers` looks at all lines of a snippet. A syntax tree tells it that a line lies inside a string or
  that ``...`` is an argument, and that Python's ``...`` beside other statements is no stub body.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial

import tree_sitter

from ..syntax import languages
from ..syntax import parser as syntax
from ..text.line_cache import of_line
from .marker_words import DOTS, MarkerKind, classify, has_keyword, is_explicit, only_dots

__all__ = [
    "MarkerKind",
    "find_markers",
    "is_marker",
    "leaks",
    "marker_kind",
    "placeholder",
    "string_lines",
    "suspicious",
    "trailing_marker",
]

# Models write the comment signs of other languages too; those need clearer words.
_FOREIGN_LINE = ("//", "#", "--", ";", "%")
_FOREIGN_BLOCK = (("{/*", "*/}"), ("/*", "*/"), ("<!--", "-->"), ("{#", "#}"), ("(*", "*)"), ("{-", "-}"))
_DOTS_SUFFICE_FOREIGN = frozenset({"//", "#", "/*", "<!--", "{/*"})
_PREPROCESSED = frozenset({"c", "cpp", "objc", "csharp"})
# A bare "..." is a statement or an argument here; only a snippet's context can make it a marker.
_DOTS_ARE_CODE = frozenset({"python", "r", "perl", "julia"})
_NO_BRACKETED_DOTS = frozenset({"javascript", "typescript", "tsx", "java", "go", "rust", "json", None})

_BARE_DOTS = re.compile(rf"^(?:{DOTS}[,;]?|\{{\s*{DOTS}\s*\}}|\[{DOTS}\]|<{DOTS}>|\({DOTS}\))$")
# Letters and light punctuation only: "...props," and "...a.b()" are code, "... existing code ..." is not.
_BARE_WORDS = re.compile(
    rf"^[\[(<]?\s*{DOTS}\s*[A-Za-z][A-Za-z0-9 ,'`/_-]*(?:\([^()]*\))?\s*(?:{DOTS})?\s*[\])>]?$"
)
_SPREAD = re.compile(r"^\.{3}[A-Za-z_$][\w$.]*[,;)]?$")
_CLOSING_DOTS = re.compile(rf"{DOTS}\s*[\])>]?$")


def _comment(line: str, language: languages.Language | None) -> tuple[str, bool, str] | None:
    """(text, whether the language has it, its opening) of a line that is one comment and nothing else."""
    native_blocks = language.block_comments if language else ()
    native_lines = language.line_comments if language else ()
    for blocks, native in ((native_blocks, True), (_FOREIGN_BLOCK, False)):
        for opening, closing in blocks:
            if not line.startswith(opening) or not line.endswith(closing):
                continue
            if len(line) >= len(opening) + len(closing):
                inside = line[len(opening) : -len(closing)]
                if closing not in inside:
                    return inside, native, opening
    for openings, native in ((native_lines, True), (_FOREIGN_LINE, False)):
        for opening in openings:
            if line.startswith(opening):
                return line[len(opening) :], native, opening
    return None


def _bare(line: str, name: str | None) -> MarkerKind | None:
    """The kind of a line that is no comment."""
    if _BARE_DOTS.match(line):
        if name in _DOTS_ARE_CODE and "…" not in line:
            return None
        if line[0] in "[(<" and name not in _NO_BRACKETED_DOTS:
            return None
        return MarkerKind.ELIDE
    if _SPREAD.match(line) or not _BARE_WORDS.match(line) or re.match(r"\.{3}\s{2,}", line):
        return None
    closed = _CLOSING_DOTS.search(line) is not None
    if not closed and len(line.split()) < 2:
        return None
    kind = classify(line, in_comment=False)
    return kind if closed or has_keyword(line) else None


@lru_cache(maxsize=65536)
def _marker_kind(line: str, name: str | None) -> MarkerKind | None:
    language = languages.get(name)
    stripped = line.strip()
    if not stripped or len(stripped) > 200 or stripped.startswith("#!"):
        return None
    if name == "yaml" and line.rstrip() == "...":
        return None  # the end of a YAML document
    comment = _comment(stripped, language)
    if comment is None:
        return _bare(stripped, name)
    text, native, opening = comment
    if name == "markdown" and opening == "#" and not has_keyword(text):
        return None  # a heading
    if name in _PREPROCESSED and opening == "#" and re.match(r"\s*[a-z]+\b", text):
        return None
    if native:
        return classify(text, in_comment=True)
    if only_dots(text):
        return MarkerKind.ELIDE if opening in _DOTS_SUFFICE_FOREIGN or language is None else None
    return classify(text, in_comment=True) if is_explicit(text) and has_keyword(text) else None


def marker_kind(line: str, language: str | None = None) -> MarkerKind | None:
    """The kind of a marker line by the line alone; None for code, and for every doubtful line.

    `line` may carry its line end. `language` is a name or an alias; None tries every comment style.
    """
    return _marker_kind(line.rstrip("\r\n"), languages.canonical(language))


def is_marker(line: str, language: str | None = None) -> bool:
    """Whether the line alone is an elision marker (a deletion comment is not)."""
    return marker_kind(line, language) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST)


_STRING = re.compile(
    r".*(?:string|heredoc_body|text_block|verbatim|char_literal|regex|template_literal|cdata).*",
    re.IGNORECASE,
)
_NOT_STRING = frozenset({"string_scalar", "interpolation", "substitution", "template_substitution"})
_PROSE_GRAMMARS = frozenset({"html", "markdown", "yaml"})  # they accept any words as text


def string_lines(tree: tree_sitter.Tree, fences: bool = False) -> set[int]:
    """0-based lines that start inside a string: all but the first line of every multi-line string.

    With `fences`, the code blocks of Markdown count as strings too.
    """
    inside: set[int] = set()
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        if node.start_point[0] == node.end_point[0]:
            continue
        quoted = _STRING.match(node.type) and node.type not in _NOT_STRING and not node.has_error
        if quoted or (fences and node.type == "fenced_code_block"):
            inside.update(range(node.start_point[0] + 1, node.end_point[0] + 1))
        else:
            stack.extend(node.children)
    return inside


def _dots_node(tree: tree_sitter.Tree, row: int, line: str) -> tree_sitter.Node | None:
    """The node of the bare dots on a line."""
    column = len(line[: len(line) - len(line.lstrip())].encode("utf-8", "surrogatepass"))
    return tree.root_node.descendant_for_point_range((row, column), (row, column + 3))


def _is_docstring(node: tree_sitter.Node) -> bool:
    children = node.named_children
    return node.type == "expression_statement" and len(children) == 1 and children[0].type == "string"


def _range(node: tree_sitter.Node) -> tuple[int, int]:
    return node.start_byte, node.end_byte


def _python_dots_elide(node: tree_sitter.Node, statements: dict[int, int]) -> bool:
    """Python: an ellipsis statement beside other statements elides; alone in its block it is a body.

    `statements` keeps how many each block has, a docstring and comments aside.
    """
    statement = node
    while statement.parent is not None and statement.type != "expression_statement":
        statement = statement.parent
    block = statement.parent
    if block is None or statement.type != "expression_statement" or _range(statement) != _range(node):
        return False
    if block.id not in statements:
        inside = [child for child in block.named_children if child.type != "comment"]
        docstring = block.type == "block" and len(inside) > 1 and _is_docstring(inside[0])
        statements[block.id] = len(inside) - docstring
    return statements[block.id] > 1


def _accepted(node: tree_sitter.Node) -> bool:
    """Whether the grammar gave the node a place: no ERROR directly above it."""
    current: tree_sitter.Node | None = node
    if node.type == "jsx_text":
        return False  # dots between tags are hardly ever shown to a user
    for _ in range(4):
        if current is None:
            return True
        if current.is_error or current.is_missing:
            return False
        current = current.parent
    return node.parent is not None and not node.parent.has_error


def find_markers(
    lines: Sequence[str], language: str | None = None, *, stub: bool = False
) -> dict[int, MarkerKind]:
    """0-based line -> kind of every marker of a snippet, in order, with the snippet as context.

    Lines inside multi-line strings are code. A bare ``...`` that the grammar accepts where it stands is
    code. In Python it is a marker only beside other statements; `stub` (a .pyi file) makes it code
    everywhere.
    """
    name = languages.canonical(language)
    found: dict[int, MarkerKind] = {}
    dotted: list[int] = []
    for row, line in enumerate(lines):
        kind = marker_kind(line, name)
        if kind is not None:
            found[row] = kind
        if line.strip() == "...":
            dotted.append(row)
    if not found and not (name == "python" and dotted):
        return found
    tree = syntax.parse("\n".join(line.rstrip("\r\n") for line in lines), name)
    if tree is None:
        return found
    strings = string_lines(tree)
    for row in strings:
        found.pop(row, None)
    statements: dict[int, int] = {}
    for row in dotted:
        node = None if row in strings else _dots_node(tree, row, lines[row])
        if node is None:
            continue
        if name == "python":
            if not stub and _python_dots_elide(node, statements):
                found[row] = MarkerKind.ELIDE
        elif row in found and name not in _PROSE_GRAMMARS and _accepted(node):
            del found[row]
    return dict(sorted(found.items()))


@cache
def _of_language(name: str | None) -> Callable[[str], tuple[str, MarkerKind] | None]:
    return of_line(partial(_trailing_marker, languages.get(name)))


def trailing_marker(line: str, language: str | None = None) -> tuple[str, MarkerKind] | None:
    """(code, kind) of a line that ends in a marker comment, such as ``foo()  # ... unchanged``; else None.

    Such a line shows code and is not a marker. The comment is drift: it must not reach the file.
    """
    entry = languages.get(language)
    return _of_language(entry.name if entry else None)(line)


def _trailing_marker(entry: languages.Language | None, line: str) -> tuple[str, MarkerKind] | None:
    body = line.rstrip()
    openings = ["//", "#", "/*", "<!--"]
    if entry is not None:
        openings = [opening for opening, _ in entry.block_comments] + list(entry.line_comments)
    for opening in openings:
        at = body.rfind(opening)
        code = body[: max(at, 0)]
        if not code.strip() or code.count('"') % 2 or code.count("'") % 2:
            continue
        if len(opening) == 1 and not code[-1].isspace():
            continue
        # "{ /* ... */ }": what closes the brackets after the comment is not part of it.
        comment = re.sub(r"(\*/|-->)[\s)\]};,]*$", r"\1", body[at:])
        if code.lstrip().startswith(tuple(openings)) and not any(map(str.isalpha, comment)):
            continue  # code in a comment, with a comment that is part of it
        kind = _marker_kind(comment, entry.name if entry else None)
        if kind is not None:
            return code.rstrip(), kind
    return None


def without_trailing_marker(line: str, language: str | None) -> str:
    """A line of code without a marker comment at its end."""
    found = trailing_marker(line, language)
    return found[0] if found else line


def placeholder(language: str | None) -> str:
    """A line that stands for code, as a comment of the language."""
    entry = languages.get(language)
    words = "... existing code ..."
    if entry is not None and entry.block_comments and not entry.line_comments:
        return f"{entry.block_comments[0][0]} {words} {entry.block_comments[0][1]}"
    return f"{entry.line_comments[0] if entry and entry.line_comments else '//'} {words}"


def suspicious(text: str, language: str | None, *, literal: bool = False) -> bool:
    """Whether a line by itself is an elision marker or ends in one.

    `literal`: the edit states the lines it writes. A remark without dots at the end of a line is its own.
    """
    if is_marker(text, language):
        return True
    trailing = trailing_marker(text, language)
    if trailing is None or trailing[1] is MarkerKind.DELETE:
        return False
    return not literal or "..." in text[len(trailing[0]) :] or "…" in text[len(trailing[0]) :]


def leaks(
    original: Sequence[str], result: Sequence[str], language: str | None = None, *, literal: bool = False
) -> list[int]:
    """0-based lines of `result` that are elision markers, or end in one, beyond those that `original` has.

    Lines inside multi-line strings are no leaks. `literal` as in `suspicious`; such an edit may also write
    what it likes into a code block of Markdown.
    """
    had = Counter(line.strip() for line in original)
    counts = Counter(line.strip() for line in result)
    suspects = {
        text
        for text, count in counts.items()
        if count > had[text] and suspicious(text, language, literal=literal)
    }
    if not suspects:
        return []
    tree = syntax.parse("\n".join(line.rstrip("\r\n") for line in result), languages.canonical(language))
    strings = string_lines(tree, fences=literal) if tree is not None else set()
    found: list[int] = []
    seen: Counter[str] = Counter()
    for row, line in enumerate(result):
        text = line.strip()
        if text in suspects:
            seen[text] += 1
            if seen[text] > had[text] and row not in strings:
                found.append(row)
    return found
