"""Definitions and sections of a file, from its syntax tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

import tree_sitter

from .parser import parse, whole_lines


@dataclass(frozen=True, slots=True)
class Scope:
    """A definition with its decorators: lines `start_line` to `end_line`, 1-based, both included."""

    start_line: int
    end_line: int
    name: str
    kind: str  # "function", "class", "section" or "entry"


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


def _name(node: tree_sitter.Node, data: bytes, depth: int = 0) -> str:
    """The identifier that a definition binds: follow its name-like fields, else its first identifier."""
    for fieldname in _NAME_FIELDS:
        child = node.child_by_field_name(fieldname)
        if child is not None and depth < 6:
            return _name(child, data, depth + 1)
    if depth == 0:
        for child in node.named_children:
            if child.type in ("variable_declarator", "type_spec", "object_reference"):
                return _name(child, data, 1)
            if child.type.endswith("identifier") or child.type in _NAME_NODES:
                return _text(child, data)
        return ""
    return _text(node, data)


def _text(node: tree_sitter.Node, data: bytes) -> str:
    raw = data[node.start_byte : node.end_byte]
    return raw.decode("utf-8", "replace").strip().split("\n", 1)[0].strip("\"'# ")


def scopes(text: str | bytes, language: str | None) -> list[Scope]:
    """Definitions and sections, in document order, outer before inner; empty without a grammar."""
    data = whole_lines(text)
    tree = parse(data, language)
    if tree is None:
        return []
    found: list[Scope] = []
    # Each node with the outermost wrapper right above it: a node would have to search for its parent.
    stack = [(node, node) for node in reversed(tree.root_node.named_children)]
    while stack:
        node, outer = stack.pop()
        kind = _kind(node)
        if kind is not None:
            start, (end_row, end_column) = outer.start_point[0] + 1, outer.end_point
            end = end_row + 1 if end_column else end_row  # a node that ends at column 0 ends a line earlier
            found.append(Scope(start, max(end, start), _name(node, data), kind))
        wrapped = node.type in _WRAPPER
        stack.extend((child, outer if wrapped else child) for child in reversed(node.named_children))
    return found
