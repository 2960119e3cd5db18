"""Questions about source text that a parser answers: error counts, scopes, same tree.

tree-sitter parses text that is broken too, which is what an edit snippet usually is. For a language without
a grammar every function returns an empty answer or None, so that callers need no special case.

Recovering from errors can take a parser time that is exponential in the text, so a parse has a budget. It is
counted in the parser's own operations, so that the same texts run out of it on every machine; their syntax is
then unknown, as without a grammar. While it parses, other threads get the interpreter, and a cancelled edit
stops.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from functools import cache, lru_cache

import tree_sitter

from ..cancellation import Cancelled, check_cancelled
from . import languages
from .languages import language_for_path

__all__ = [
    "error_nodes",
    "error_spans",
    "errors_of",
    "has_grammar",
    "language_for_path",
    "parse",
    "whole_lines",
]


@cache
def _grammar(language: str) -> tree_sitter.Language | None:
    entry = languages.get(language)
    if entry is None or entry.grammar is None:
        return None
    module, function = entry.grammar
    try:
        return tree_sitter.Language(getattr(importlib.import_module(module), function)())
    except ImportError:
        return None


def has_grammar(language: str | None) -> bool:
    """Whether `parse` can parse the language."""
    return language is not None and _grammar(language) is not None


_parsers = threading.local()  # a tree-sitter parser is not thread safe


def parse(
    text: str | bytes, language: str | None, edited: tree_sitter.Tree | None = None
) -> tree_sitter.Tree | None:
    """The syntax tree of the text (UTF-8 when bytes); None without a grammar.

    `edited` is the tree of an earlier text, told of every difference by `Tree.edit`: what stayed is taken
    over. None too where the budget runs out. Raises Cancelled.
    """
    grammar = _grammar(language) if language else None
    if grammar is None or language is None:
        return None
    by_language: dict[str, tree_sitter.Parser] | None = getattr(_parsers, "by_language", None)
    if by_language is None:
        by_language = _parsers.by_language = {}
    parser = by_language.get(language)
    if parser is None:
        parser = by_language[language] = tree_sitter.Parser(grammar)
    return _within_budget(parser, whole_lines(text), edited)


# tree-sitter reports every 100 operations. Texts as they are written take 2 to 25 reports a kilobyte,
# whatever the grammar is and whether or not they are whole.
_REPORTS, _BYTES_PER_REPORT = 256, 16
_MOST_BYTES = 1 << 21
_READ_BYTES = 1 << 15


def _within_budget(
    parser: tree_sitter.Parser, data: bytes, edited: tree_sitter.Tree | None
) -> tree_sitter.Tree | None:
    if len(data) > _MOST_BYTES:
        return None
    left = _REPORTS + len(data) // _BYTES_PER_REPORT
    cancelled: Cancelled | None = None

    def stops(_offset: int, _has_error: bool) -> bool:
        nonlocal left, cancelled
        left -= 1
        try:
            check_cancelled()
        except Cancelled as error:
            cancelled = error
        return left < 0 or cancelled is not None

    def read(offset: int, _point: object) -> bytes:
        return data[offset : offset + _READ_BYTES]

    try:
        if edited is None:
            return parser.parse(read, encoding="utf8", progress_callback=stops)
        return parser.parse(read, edited, encoding="utf8", progress_callback=stops)
    except ValueError:  # it was stopped, and would go on with this text at the next call
        parser.reset()
        if cancelled is not None:
            raise cancelled from None
        return None


def whole_lines(text: str | bytes) -> bytes:
    """UTF-8 that ends in a line end: the Kotlin scanner never returns on a text that ends in an annotation
    without one.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return data if data.endswith(b"\n") else data + b"\n"


def _errors(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """ERROR and MISSING nodes. Only subtrees that have one are entered: a clean file costs one check."""
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.has_error and not node.is_missing:
            continue
        if node.is_error or node.is_missing:
            yield node
        stack.extend(node.children)


def error_nodes(text: str | bytes, language: str | None) -> int | None:
    """The number of ERROR and MISSING nodes; None without a grammar."""
    tree = parse(text, language)
    return None if tree is None else sum(1 for _ in _errors(tree.root_node))


def error_spans(text: str | bytes, language: str | None) -> list[tuple[int, int]] | None:
    """First and last line, 1-based, of each ERROR or MISSING node, sorted; None where they are unknown.

    The answers for texts asked about last are kept: one edit asks about its file and its result more than
    once, and an agent's next edit is of that result.
    """
    if not has_grammar(language):
        return None
    data = whole_lines(text)
    found = (_kept_error_spans if len(data) <= _KEPT_BYTES else _error_spans)(data, language)
    return None if found is None else list(found)


def _error_spans(data: bytes, language: str | None) -> tuple[tuple[int, int], ...] | None:
    tree = parse(data, language)
    return None if tree is None else errors_of(tree)


def errors_of(tree: tree_sitter.Tree) -> tuple[tuple[int, int], ...]:
    """As `error_spans`, of a tree."""
    return tuple(sorted((node.start_point[0] + 1, node.end_point[0] + 1) for node in _errors(tree.root_node)))


_KEPT_BYTES = 1 << 18  # with 64 texts, at most 16 MiB are kept
_kept_error_spans = lru_cache(maxsize=64)(_error_spans)
