"""Packages that can decide a byte are pinned, and part of the fingerprint."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from applier import deciders, receipt


def test_grammars_matching_and_tokenizer_are_pinned_and_installed_so() -> None:
    found = deciders.deciders()
    assert {
        "rapidfuzz",
        "tokenizers",
        "tree-sitter",
        "tree-sitter-python",
        "tree-sitter-kotlin",
    } <= found.keys()
    assert len(found) >= 26
    assert all(found[name] == version(name) for name in found)
    assert deciders.strangers() == {}


def test_another_version_of_a_grammar_is_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = receipt.fingerprint("", "", 0)
    other = deciders.deciders() | {"tree-sitter-python": "0.23.2"}
    monkeypatch.setattr(receipt, "deciders", lambda: other)
    assert receipt.fingerprint("", "", 0) != before
    monkeypatch.setattr(deciders, "deciders", lambda: other)
    assert deciders.strangers() == {"tree-sitter-python": ("0.23.2", version("tree-sitter-python"))}
