"""Which installed packages can decide a byte: their versions are pinned exactly, and part of the fingerprint.

Grammars say where scopes end and whether a result parses; fuzzy matching says which lines are alike; the
tokenizer says what a model reads. Equal fingerprints therefore mean equal versions of all of them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

_PACKAGE = "samebytes"
_DECIDING = ("rapidfuzz", "tokenizers", "tree-sitter")  # tree-sitter-… too
MISSING = "missing"


def _pins() -> dict[str, str]:
    """Name -> version of the deciding packages that this package's own metadata pins."""
    pins: dict[str, str] = {}
    for requirement in _requirements():
        name, equal, stated = requirement.partition("==")
        if equal and ";" not in requirement and name.lower().startswith(_DECIDING):
            pins[name.lower()] = stated.strip()
    return pins


def _requirements() -> list[str]:
    """Of the checkout that this runs from, whose installed metadata may be older; else of the installed
    package.
    """
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    if pyproject.is_file():
        stated: list[str] = tomllib.loads(pyproject.read_text("utf-8"))["project"]["dependencies"]
        return stated
    return requires(_PACKAGE) or []


@cache
def deciders() -> dict[str, str]:
    """Name -> installed version, in the order of names; MISSING for one that is not installed."""
    found: dict[str, str] = {}
    for name in sorted(_pins()):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = MISSING
    return found


def strangers() -> dict[str, tuple[str, str]]:
    """Name -> (installed, pinned) of packages that are not what is pinned: this installation's fingerprint
    is no other's.
    """
    pins, found = _pins(), deciders()
    return {name: (found[name], pin) for name, pin in pins.items() if found[name] != pin}
