"""What a parsed edit is: one class for each way of writing an edit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from ..types import EditFormat
from .markers import MarkerKind


class EditParseError(ValueError):
    """An edit that cannot be read. `line` is the 1-based line of the edit, None for the edit as a whole."""

    def __init__(self, line: int | None, why: str, hint: str) -> None:
        super().__init__(f"Line {line} of the edit: {why} {hint}" if line else f"{why} {hint}")
        self.line = line
        self.why = why
        self.hint = hint


class Role(StrEnum):
    """What a line of the edit as it was sent is. Whether code is context or new, placing it decides."""

    CODE = "code"
    MARKER = "marker"  # stands for code that it does not show
    WRAPPER = "wrapper"  # a fence, a tag, a header, a sign, the name of the file
    TALK = "talk"  # meant for a reader, or for another file


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEdit:
    """Common part. `text` is the edit as written, without an outer code fence and with LF line ends. `roles`
    has one role for every line of the edit as it was sent.
    """

    format: ClassVar[EditFormat]
    text: str
    fence_stripped: bool = False
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LazySnippet(ParsedEdit):
    """Changed code with elision markers. `markers` maps a 0-based index in `lines` to its kind.

    `rows` are the 0-based lines of the sent edit that `lines` come from. Several code blocks are one snippet
    with a marker between them that nobody wrote: its index is in `cuts`, its row that of the line above. What
    stands on two sides of a cut need not stand so in the file.
    """

    format: ClassVar[EditFormat] = EditFormat.LAZY
    lines: tuple[str, ...]
    markers: dict[int, MarkerKind]
    rows: tuple[int, ...] = ()
    cuts: frozenset[int] = frozenset()

    @property
    def line(self) -> int:
        """1-based line of the sent edit at which `lines` starts."""
        return self.sent_line(0)

    def sent_line(self, index: int) -> int:
        """1-based line of the sent edit that a line of the snippet comes from."""
        return (self.rows[index] if index < len(self.rows) else index) + 1


@dataclass(frozen=True, slots=True)
class SearchBlock:
    """Find `search`, put `replace` in its place. `start_line` is a 1-based hint, None without one."""

    search: tuple[str, ...]
    replace: tuple[str, ...]
    line: int  # 1-based line of the edit at which the block starts
    text: str  # the block as written
    start_line: int | None = None
    # Other ways to split the block, where its code has lines that look like the divider.
    other_splits: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReplace(ParsedEdit):
    """Search/replace blocks, all against the original."""

    format: ClassVar[EditFormat] = EditFormat.SEARCH_REPLACE
    blocks: tuple[SearchBlock, ...]


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk of a unified diff or a V4A patch.

    `lines` are (sign, text) with sign " ", "-" or "+". `old_start` is the 1-based line that the header
    states, `old_count` its number of old lines. `scopes` are lines under which the hunk lies, outermost
    first. `old_newline` and `new_newline` are False where the hunk says that its side ends without a final
    newline.
    """

    lines: tuple[tuple[str, str], ...]
    line: int  # 1-based line of the edit at which the hunk starts
    text: str  # the hunk as written
    old_start: int | None = None
    old_count: int | None = None
    scopes: tuple[str, ...] = ()
    at_end: bool = False
    old_newline: bool = True
    new_newline: bool = True

    @property
    def old(self) -> tuple[str, ...]:
        """Context and removed lines."""
        return tuple(text for sign, text in self.lines if sign != "+")

    @property
    def new(self) -> tuple[str, ...]:
        """Context and added lines."""
        return tuple(text for sign, text in self.lines if sign != "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedDiff(ParsedEdit):
    """A unified diff of one file. `creates` says that the old side is /dev/null."""

    format: ClassVar[EditFormat] = EditFormat.UNIFIED_DIFF
    hunks: tuple[Hunk, ...]
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class V4APatch(ParsedEdit):
    """A V4A patch of one file. `creates` says that it is an "Add File" section."""

    format: ClassVar[EditFormat] = EditFormat.V4A
    hunks: tuple[Hunk, ...]
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFile(ParsedEdit):
    """The new file in full. `markers` as in a lazy snippet: a whole file should have none."""

    format: ClassVar[EditFormat] = EditFormat.WHOLE_FILE
    lines: tuple[str, ...]
    markers: dict[int, MarkerKind]
    final_newline: bool


def same_file(name: str, path: str) -> bool:
    """Whether a name in an edit can mean the file at `path`: one must be the tail of the other."""
    a = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    b = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    shorter = min(len(a), len(b))
    return shorter == 0 or a[-shorter:] == b[-shorter:]


def check_same_file(name: str, path: str, line: int) -> None:
    """Raises `EditParseError` when `name` is another file than `path`; an empty path is any file."""
    if not same_file(name, path):
        raise EditParseError(
            line,
            f"This part is for {name!r}, but the file is {path!r}.",
            "Send the edit of each file by itself.",
        )
