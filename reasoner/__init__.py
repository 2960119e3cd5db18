"""Reasoning clients: they propose edits and may be as random as they like."""
