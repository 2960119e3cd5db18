"""Questions about source text that a parser answers: error counts, scopes, same tree.

tree-sitter parses text that is broken too, which is what an edit snippet usually is. For a language without
a grammar every function returns an empty answer or None, so that callers need no special case.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest

import tree_sitter

from . import languages
from .languages import language_for_path

__all__ = [
    "Scope",
    "error_nodes",
    "error_spans",
    "errors_of",
    "has_grammar",
    "language_for_path",
    "parse",
    "same_tree",
    "scopes",
    "whole_lines",
]


@dataclass(frozen=True, slots=True)
class Scope:
    """A definition with its decorators: lines `start_line` to `end_line`, 1-based, both included."""

    start_line: int
    end_line: int
    name: str
    kind: str  # "function", "class", "section" or "entry"


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
    over.
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
    data = whole_lines(text)
    return parser.parse(data) if edited is None else parser.parse(data, edited)


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
    """First and last line, 1-based, of each ERROR or MISSING node, sorted; None without a grammar.

    The answers for texts asked about last are kept: one edit asks about its file and its result more than
    once, and an agent's next edit is of that result.
    """
    if not has_grammar(language):
        return None
    data = whole_lines(text)
    return list((_kept_error_spans if len(data) <= _KEPT_BYTES else _error_spans)(data, language))


def _error_spans(data: bytes, language: str | None) -> tuple[tuple[int, int], ...]:
    tree = parse(data, language)
    assert tree is not None
    return errors_of(tree)


def errors_of(tree: tree_sitter.Tree) -> tuple[tuple[int, int], ...]:
    """As `error_spans`, of a tree."""
    return tuple(sorted((node.start_point[0] + 1, node.end_point[0] + 1) for node in _errors(tree.root_node)))


_KEPT_BYTES = 1 << 18  # with 64 texts, at most 16 MiB are kept
_kept_error_spans = lru_cache(maxsize=64)(_error_spans)


_FUNCTION = re.compile(
    r"(function|method|constructor|destructor|getter|setter|subroutine|init|deinit|macro|singleton_method)"
    r"(_definition|_declaration|_item|_signature_item)?|func_literal|generator_function_declaration"
    r"|create_function|create_procedure"
)
_CLASS = re.compile(
    r"(abstract_)?(class|struct|enum|union|interface|trait|impl|mod|module|namespace|object|protocol|extension"
    r"|record|companion_object|type|annotation_type|singleton_class)"
    r"(_definition|_declaration|_item|_specifier)|^(class|module|singleton_class)$|create_table|create_view"
    r"|internal_module|companion_object"
)
_SECTION = re.compile(r"section|table|table_array_element|rule_set|media_statement|element|jsx_element")
_ENTRY = re.compile(r"block_mapping_pair|pair")
# Parents that belong to the definition: decorators, `export`, `template <...>`.
_WRAPPER = frozenset({"decorated_definition", "export_statement", "template_declaration"})
_METHOD_RUBY = frozenset({"method", "singleton_method"})


def _kind(node: tree_sitter.Node) -> str | None:
    kind = node.type
    if _FUNCTION.fullmatch(kind) and (kind in _METHOD_RUBY or "_" in kind):
        return "function"
    if _CLASS.fullmatch(kind):
        return "class"
    if kind in ("lexical_declaration", "variable_declaration"):
        for child in node.named_children:
            value = child.child_by_field_name("value")
            if value is not None and value.type in ("arrow_function", "function_expression", "class"):
                return "function"
        return None
    if node.end_point[0] > node.start_point[0]:
        if _SECTION.fullmatch(kind):
            return "section"
        if _ENTRY.fullmatch(kind):
            return "entry"
    return None


_NAME_NODES = frozenset({"selectors", "bare_key", "dotted_key", "atx_heading"})
_NAME_FIELDS = ("name", "declarator", "key", "type", "left")


def _name(node: tree_sitter.Node, depth: int = 0) -> str:
    """The identifier that a definition binds: follow its name-like fields, else its first identifier."""
    for fieldname in _NAME_FIELDS:
        child = node.child_by_field_name(fieldname)
        if child is not None and depth < 6:
            return _name(child, depth + 1)
    if depth == 0:
        for child in node.named_children:
            if child.type in ("variable_declarator", "type_spec", "object_reference"):
                return _name(child, 1)
            if child.type.endswith("identifier") or child.type in _NAME_NODES:
                return _text(child)
        return ""
    return _text(node)


def _text(node: tree_sitter.Node) -> str:
    raw = node.text or b""
    return raw.decode("utf-8", "replace").strip().split("\n", 1)[0].strip("\"'# ")


def scopes(text: str | bytes, language: str | None) -> list[Scope]:
    """Definitions and sections, in document order, outer before inner; empty without a grammar."""
    tree = parse(text, language)
    if tree is None:
        return []
    found: list[Scope] = []
    stack = list(reversed(tree.root_node.named_children))
    while stack:
        node = stack.pop()
        kind = _kind(node)
        if kind is not None:
            outer = node
            while outer.parent is not None and outer.parent.type in _WRAPPER:
                outer = outer.parent
            start, (end_row, end_column) = outer.start_point[0] + 1, outer.end_point
            end = end_row + 1 if end_column else end_row  # a node that ends at column 0 ends a line earlier
            found.append(Scope(start, max(end, start), _name(node), kind))
        stack.extend(reversed(node.named_children))
    return found


def _tokens(root: tree_sitter.Node) -> Iterator[tuple[int, str, bytes]]:
    """(depth, type, text) of every node; comments and white space are left out.

    A node with children contributes the text that its children do not cover, since some grammars hide
    tokens.
    """
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if "comment" in node.type:
            continue
        text = node.text or b""
        children = node.children
        if not children:
            if text.strip() or node.is_missing:
                yield depth, node.type, text
            continue
        own, at = [], node.start_byte
        for child in children:
            own.append(text[at - node.start_byte : child.start_byte - node.start_byte].strip())
            at = child.end_byte
        own.append(text[at - node.start_byte :].strip())
        yield depth, node.type, b" ".join(filter(None, own))
        stack.extend((child, depth + 1) for child in reversed(children))


def same_tree(a: str | bytes, b: str | bytes, language: str | None) -> bool | None:
    """Whether two texts have the same tree and tokens, comments and white space aside.

    None without a grammar.

    Texts that do not parse are compared all the same; their ERROR nodes are part of the tree.
    """
    left, right = parse(a, language), parse(b, language)
    if left is None or right is None:
        return None
    pairs = zip_longest(_tokens(left.root_node), _tokens(right.root_node))
    return all(mine == theirs for mine, theirs in pairs)
