"""Semantic equivalence: the same syntax tree modulo comments and formatting."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter


def _tokens(root: tree_sitter.Node, data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """(depth, type, text) of every node; comments and white space are left out.

    A node with children contributes the text that its children do not cover, since some grammars hide
    tokens.
    """
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if "comment" in node.type:
            continue
        text = data[node.start_byte : node.end_byte]
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
    from applier.syntax.parser import parse, whole_lines

    mine, theirs = whole_lines(a), whole_lines(b)
    left, right = parse(mine, language), parse(theirs, language)
    if left is None or right is None:
        return None
    pairs = zip_longest(_tokens(left.root_node, mine), _tokens(right.root_node, theirs))
    return all(one == other for one, other in pairs)


def semantically_equal(result: bytes, expected: bytes, language: str | None) -> bool | None:
    """True where both files parse to the same tree; None where that cannot be decided.

    Byte-equal files are equal in any language. Otherwise it is undecided without a grammar, or where either
    file is not UTF-8: undecided cases are reported as unscored, not as failures.
    """
    if result == expected:
        return True

    try:
        return same_tree(result.decode("utf-8-sig"), expected.decode("utf-8-sig"), language)
    except UnicodeDecodeError:
        return None
