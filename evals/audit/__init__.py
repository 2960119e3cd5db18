"""Audit of a server's determinism: identical requests under changing conditions, and a verdict."""
