"""Reasoning models behind one interface, each SDK imported only when its backend is made."""

from reasoner.backends.base import Backend
from reasoner.backends.registry import BackendSettings, create

__all__ = ["Backend", "BackendSettings", "create"]
