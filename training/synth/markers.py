"""The elision markers that models write, in the comment signs of each language.

Every text made here is a marker to `applier.parse.markers`, the one definition; others are left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from applier.parse.markers import MarkerKind, marker_kind
from applier.syntax import languages

COMMON = (
    "... existing code ...",
    "... existing code ...",
    "... existing code ...",
    "...",
    "... rest of the code ...",
    "... (existing code) ...",
    "… existing code …",
    "existing code",
    "... unchanged ...",
    "... keep existing code ...",
    "[existing code unchanged]",
    "... other code remains the same ...",
)
INSIDE_SCOPE = (
    "... rest of the function ...",
    "... rest of the method unchanged ...",
    "rest of the function unchanged",
    "... existing implementation ...",
    "... existing methods ...",
    "... other methods ...",
    "rest of the implementation remains the same",
    "(unchanged)",
)
AT_TOP = ("... existing imports ...", "... imports ...", "... existing code ...")
AT_END = (
    "... rest of the file ...",
    "rest of the file unchanged",
    "... rest of the code remains the same ...",
    "... existing code ...",
    "... remaining methods unchanged ...",
)
REMOVED = ("removed", "... removed ...", "(removed)", "deleted", "... deleted ...")
UNCHANGED = ("unchanged", "... unchanged", "(unchanged)", "... existing code ...", "same as before")

Comment = Callable[[str], str]


def comment_styles(language: str) -> list[Comment]:
    """The ways to write a comment line in a language."""
    entry = languages.get(language)
    if entry is None:
        return [_written("//")]
    styles = [_written(opening) for opening in entry.line_comments]
    styles += [_written(opening, f" {closing}") for opening, closing in entry.block_comments]
    return styles or [_written("//")]


def _written(opening: str, closing: str = "") -> Comment:
    return lambda text: f"{opening} {text}{closing}"


class MarkerHabit:
    """One author's way to mark elided code; the same phrase mostly recurs within an edit."""

    def __init__(self, language: str, rng: random.Random) -> None:
        self._language = language
        self._rng = rng
        styles = comment_styles(language)
        self._comment = styles[0] if rng.random() < 0.8 else rng.choice(styles)
        self._fixed = rng.choice(COMMON) if rng.random() < 0.6 else None
        self._bare = rng.random() < 0.06

    def elision(self, *, first: bool, last: bool, indent: str) -> str:
        """A marker line, without its indentation."""
        if self._bare and marker_kind("...", self._language) is MarkerKind.ELIDE:
            return "..."
        if self._fixed is not None and self._rng.random() < 0.9:
            phrase = self._fixed
        else:
            pools: list[tuple[str, ...]] = [COMMON]
            pools += [AT_TOP] if first else []
            pools += [AT_END] if last else []
            pools += [INSIDE_SCOPE] if indent else []
            phrase = self._rng.choice(self._rng.choice(pools))
        text = self._comment(phrase)
        if marker_kind(text, self._language) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST):
            return text
        return self._comment("... existing code ...")

    def deletion(self) -> str | None:
        """A line that says that code was removed, or None when the language has no such comment."""
        text = self._comment(self._rng.choice(REMOVED))
        return text if marker_kind(text, self._language) is MarkerKind.DELETE else None

    def trailing(self, line: str) -> str | None:
        """A line of code with a remark that it is unchanged, or None where that would not be a comment."""
        entry = languages.get(self._language)
        if entry is None or not entry.line_comments or any(sign in line for sign in "\"'`#/\\"):
            return None
        return f"{line}  {entry.line_comments[0]} {self._rng.choice(UNCHANGED)}"
