"""Deterministic edits: original bytes + edit -> new bytes, diff and receipt."""
