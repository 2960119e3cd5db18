"""Which of the given files a reply means when it writes a path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from applier.patches.git_headers import git_paths, unquoted

_DECORATION = " \t#*`'\"()[]<>:"
_LABEL = re.compile(r"^(?:file(?:name|path)?|path)\s*[:=]\s*", re.IGNORECASE)
_DIFF_PREFIX = re.compile(r"^[ab]/")
_PATH_LIKE = re.compile(r"^[\w.@+~-]+(?:/[\w.@+~ -]+)*$")


_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")
_LONGEST = 400
_STATED = re.compile(
    r"^(?:\*\*\* (?:Update|Add|Delete) File: |\*\*\* Move to: |--- |\+\+\+ |rename (?:from|to) )(?P<path>.*)"
)
_COMMENT = re.compile(r"^\s*(?:#|//|--|;|/\*|<!--)\s*(?P<text>.*?)\s*(?:\*/|-->)?\s*$")


def spelled_paths(line: str) -> Iterator[str]:
    """What may be a path on a line: of a patch's header, a heading, a comment, or behind a fence."""
    if len(line) > _LONGEST:
        return
    if stated := _STATED.match(line):
        path = unquoted(stated["path"].split("\t")[0].strip())
        yield from (path.removeprefix("./"), _DIFF_PREFIX.sub("", path))
    elif line.startswith("diff --git "):
        yield from git_paths(line)
    texts = [line]
    if line.lstrip().startswith(("```", "~~~")):
        texts = line.replace(":", " ").replace("=", " ").split()[-3:]
    elif comment := _COMMENT.match(line):
        texts.append(comment["text"])
    for text in texts:
        bare = _LABEL.sub("", text.strip(_DECORATION)).strip(_DECORATION).removeprefix("./")
        if _PATH_LIKE.match(bare):
            yield bare


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
        return self.resolve(spelled) or self.as_written(spelled)

    def as_written(self, spelled: str) -> str:
        """The path without what surrounds it."""
        return spelled.strip().strip("`'\"*").removeprefix("./").replace("\\", "/")

    def heading(self, line: str) -> str | None:
        """As `header`, with a path that is new where nothing but a path can be meant."""
        bare = _LABEL.sub("", line.strip().strip(_DECORATION)).strip(_DECORATION)
        certain = _PATH_LIKE.match(bare) and ("/" in bare or _SUFFIX.search(bare))
        return self.header(line) or (self.as_written(bare) if certain else None)

    def new_in_diff(self, path: str) -> str:
        """The path of a file that a diff adds, without the prefix that diffs have."""
        prefixed = path.startswith("b/") and not any(known.startswith("b/") for known in self.known)
        return path.removeprefix("b/") if prefixed else path

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
