"""Semantic equivalence: the same syntax tree modulo comments and formatting."""

from __future__ import annotations


def semantically_equal(result: bytes, expected: bytes, language: str | None) -> bool | None:
    """True where both files parse to the same tree; None where that cannot be decided.

    Byte-equal files are equal in any language. Otherwise it is undecided without a grammar, or where either
    file is not UTF-8: undecided cases are reported as unscored, not as failures.
    """
    if result == expected:
        return True
    from applier import syntax  # here, so that the other metrics do not need the grammars

    try:
        return syntax.same_tree(result.decode("utf-8-sig"), expected.decode("utf-8-sig"), language)
    except UnicodeDecodeError:
        return None
