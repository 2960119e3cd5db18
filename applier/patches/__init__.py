"""Patches of several files: found in any text, applied to bytes, all or nothing. No file is touched."""
