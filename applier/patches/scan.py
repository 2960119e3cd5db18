"""One pass over a reply that finds every edit in it, whatever format each is in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from applier.patches.envelopes import (
    SEARCH,
    V4A_BEGIN,
    Read,
    read_diff,
    read_git_diff,
    read_search_replace,
    read_v4a,
    starts_diff,
    starts_git_diff,
)
from applier.patches.fences import Fence, block_end, read_fence
from applier.patches.paths import Paths
from applier.patches.types import Action, Problem, ProposedEdit
from applier.types import EditFormat

_REASONING = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL)
_COMMENT = re.compile(r"^\s*(?:#|//|--|;|/\*|<!--)\s*(?P<text>.*?)\s*(?:\*/|-->)?\s*$")
# Next to an edit, blocks in these languages are commands and output, not edits.
_ASIDE = frozenset({"bash", "sh", "shell", "console", "terminal", "text", "txt", "output", "log"})


@dataclass(slots=True)
class Extraction:
    """The edits of a reply in the order they were written, and what could not be used."""

    edits: list[ProposedEdit] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def extract(reply: str, known_paths: Sequence[str], expected: EditFormat = EditFormat.LAZY) -> Extraction:
    """Every edit in `reply`.

    `expected` says what a fenced block with no other sign is: a lazy snippet or a whole file. Patches,
    search/replace blocks and diffs are known by their own first line, inside a fence or not. An edit
    that was cut off, or that names no file, is a problem and never half an edit.
    """
    scan = _Scan(_lines(reply), Paths(known_paths), expected)
    scan.run()
    return Extraction(_joined(scan.edits), scan.problems)


def _lines(reply: str) -> list[str]:
    # Line ends are the transport's where every line has them, and else belong to the files.
    text = reply if re.search(r"(?<!\r)\n", reply) else reply.replace("\r\n", "\n")
    # Reasoning written into the reply is not part of it; its lines are kept empty so that line numbers hold.
    text = _REASONING.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text.split("\n")


def _joined(edits: Sequence[ProposedEdit]) -> list[ProposedEdit]:
    """Consecutive search/replace blocks of one file become one edit, to be matched against one original."""
    out: list[ProposedEdit] = []
    for edit in edits:
        last = out[-1] if out else None
        if (
            last is not None
            and last.format is edit.format is EditFormat.SEARCH_REPLACE
            and last.path == edit.path
        ):
            out[-1] = replace(last, text=last.text + edit.text, rows=last.rows + edit.rows)
        else:
            out.append(edit)
    return out


class _Scan:
    def __init__(self, lines: list[str], paths: Paths, expected: EditFormat) -> None:
        self.lines = lines
        self.paths = paths
        self.expected = expected
        self.edits: list[ProposedEdit] = []
        self.problems: list[Problem] = []
        self.header: str | None = None  # the file that the last heading named
        self.wrapper: Fence | None = None  # an open fence that only decorates patches
        self.nameless: list[tuple[Fence, int, list[str]]] = []

    def run(self) -> None:
        index = 0
        while index < len(self.lines):
            index = self.step(index)
        self.settle_nameless()
        if not self.edits and not self.problems:
            self.problems.append(Problem("the reply contains no edit"))

    def step(self, index: int) -> int:
        line = self.lines[index]
        if read := self.self_delimited(index):
            return self.take(read)
        fence = read_fence(line)
        if fence is None:
            if path := self.paths.header(line):
                self.header = path
            return index + 1
        if self.wrapper is not None and fence.closes(self.wrapper):
            self.wrapper = None
            return index + 1
        if self.self_delimited_below(index):
            self.wrapper = fence
            self.header = self.info_path(fence) or self.header
            return index + 1
        return self.fenced(index, fence)

    def self_delimited(self, index: int) -> Read | None:
        line = self.lines[index]
        if V4A_BEGIN.match(line):
            return read_v4a(self.lines, index)
        if SEARCH.match(line):
            only = self.paths.known[0] if len(self.paths.known) == 1 else None
            return read_search_replace(self.lines, index, self.named_above(index) or self.header or only)
        if starts_git_diff(self.lines, index):
            return read_git_diff(self.lines, index)
        if starts_diff(self.lines, index):
            return read_diff(self.lines, index)
        return None

    def named_above(self, index: int) -> str | None:
        """The file that the line right above names, a fence between or not; it may be a new one."""
        above = index - 1
        while above >= 0 and (not self.lines[above].strip() or read_fence(self.lines[above])):
            above -= 1
        return self.paths.heading(self.lines[above]) if above >= 0 else None

    def self_delimited_below(self, index: int) -> bool:
        """Whether the fence on line `index` only wraps a patch, possibly under a heading."""
        below = index + 1
        while below < len(self.lines):
            line = self.lines[below]
            if V4A_BEGIN.match(line) or SEARCH.match(line) or starts_diff(self.lines, below):
                return True
            if starts_git_diff(self.lines, below):
                return True
            if line.strip() and not self.paths.header(line):
                return False
            below += 1
        return False

    def take(self, read: Read) -> int:
        for edit in read.edits:
            moved_to = edit.moved_to and self.paths.as_written(edit.moved_to)
            path = self.paths.resolve_or_new(edit.path)
            if edit.action is Action.CREATE and edit.format is EditFormat.UNIFIED_DIFF:
                path = self.paths.new_in_diff(path)
            self.edits.append(replace(edit, path=path, moved_to=moved_to))
        self.problems.extend(read.problems)
        return read.next

    def fenced(self, index: int, fence: Fence) -> int:
        end = block_end(self.lines, index + 1, fence)
        if end is None:
            self.problems.append(Problem("the code block is never closed", index + 1, self.header))
            return len(self.lines)
        body = [line.removeprefix(fence.indent) for line in self.lines[index + 1 : end]]
        path = self.info_path(fence) or self.header
        self.header = None
        if path is None and body and (comment := _COMMENT.match(body[0])):
            path = self.paths.header(comment["text"])
            # The path was written for us; left in, it would become a line of the file.
            body = body[1:] if path else body
        if path is None:
            self.nameless.append((fence, index + 1, body))
        else:
            self.add_block(path, body, index + 1)
        return end + 1

    def info_path(self, fence: Fence) -> str | None:
        for word in reversed(fence.info.replace(":", " ").split()):
            if path := self.paths.resolve(word.partition("=")[2] or word):
                return path
        return None

    def add_block(self, path: str, body: list[str], line: int) -> None:
        text = "".join(row + "\n" for row in body)
        known = path in self.paths.known
        chosen = self.expected if known else EditFormat.WHOLE_FILE
        if chosen not in (EditFormat.LAZY, EditFormat.WHOLE_FILE):
            chosen = EditFormat.LAZY
        action = Action.UPDATE if known else Action.CREATE
        rows = tuple(range(line + 1, line + 1 + len(body)))
        self.edits.append(ProposedEdit(path, text, chosen, action, line, rows=rows))

    def settle_nameless(self) -> None:
        """A block with no name belongs to the file if there is one file and one block; otherwise it is a
        problem.
        """
        blocks = [block for block in self.nameless if block[0].info.split(" ")[0].lower() not in _ASIDE]
        if len(blocks) == 1 and not self.edits and len(self.paths.known) == 1:
            _, line, body = blocks[0]
            self.add_block(self.paths.known[0], body, line)
            return
        for _, line, _ in blocks:
            self.problems.append(Problem("write 'File: PATH' on the line above the code block", line))
