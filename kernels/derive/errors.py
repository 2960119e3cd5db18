"""What is wrong with a base checkpoint or an adapter."""

from __future__ import annotations


class CheckpointError(ValueError):
    """The checkpoint cannot be read as a supported model; the message says what is missing."""
