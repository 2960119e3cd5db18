"""Which of the given files a reply means when it writes a path."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DECORATION = " \t#*`'\"()[]<>:"
_LABEL = re.compile(r"^(?:file(?:name|path)?|path)\s*[:=]\s*", re.IGNORECASE)
_DIFF_PREFIX = re.compile(r"^[ab]/")
_PATH_LIKE = re.compile(r"^[\w.@+~-]+(?:/[\w.@+~ -]+)*$")


class Paths:
    """The paths given to the model, and the ways a reply may spell them."""

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)
        self._set = frozenset(known)

    def resolve(self, spelled: str) -> str | None:
        """The one known path that `spelled` means, or None where it means none or several."""
        path = spelled.strip(_DECORATION).removeprefix("./").replace("\\", "/")
        for candidate in (path, _DIFF_PREFIX.sub("", path)):
            if candidate in self._set:
                return candidate
            ends = [known for known in self.known if candidate and known.endswith("/" + candidate)]
            if len(ends) == 1:
                return ends[0]
        return None

    def resolve_or_new(self, spelled: str) -> str:
        """A known path, or the path as written where it can only be a new file."""
        path = spelled.strip().strip("`'\"*").removeprefix("./").replace("\\", "/")
        return self.resolve(spelled) or path

    def header(self, line: str) -> str | None:
        """The path a line names if the line is nothing but a heading for a file, else None.

        With a label (`File: x`) the path may be new; without one it must be known.
        """
        bare = line.strip().strip(_DECORATION)
        labelled = _LABEL.match(bare)
        name = _LABEL.sub("", bare).strip(_DECORATION)
        if known := self.resolve(name):
            return known
        if labelled and _PATH_LIKE.match(name):
            return name.removeprefix("./")
        return None
