"""Edits with a known answer, over formats, encodings, line ends and final newlines.

`cases(seed, count)` yields them. Nothing here uses the applier: the expected bytes come from how the edit
was made. A new line takes the end of the line before it; that rule is written down here a second time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from applier.types import EditFormat, RefusalReason, Status
from tests.applier.sources import GRAMMARS, Grammar, Numbers, Program, program

Change = tuple[int, int, list[str]]  # lines start:end become these
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "cp1252": b"",
    "latin-1": b"",
}


@dataclass(frozen=True)
class Case:
    """One request and what must come back. Content is `original` unless the status is APPLIED."""

    name: str
    original: bytes
    edit: bytes
    format: EditFormat
    path: str
    status: Status
    expected: bytes
    reason: RefusalReason | None = None
    needs_model: bool = False  # right in the end, but not exact


@dataclass(frozen=True)
class Style:
    """How text becomes bytes."""

    encoding: str
    end: str  # "\n", "\r\n", "\r" or "" for mixed
    final_newline: bool

    def ends(self, rng: random.Random, count: int) -> list[str]:
        ends = [self.end or rng.choice(["\n", "\r\n"]) for _ in range(count)]
        if not self.end and count > 1:
            ends[0], ends[1] = "\n", "\r\n"
        if ends and not self.final_newline:
            ends[-1] = ""
        return ends

    def encode(self, lines: list[str], ends: list[str]) -> bytes:
        text = "".join(line + end for line, end in zip(lines, ends, strict=True))
        return ENCODINGS[self.encoding] + text.encode(self.encoding)


def style(rng: random.Random) -> Style:
    return Style(rng.choice(list(ENCODINGS)), rng.choice(["\n", "\n", "\r\n", "\r", ""]), rng.random() < 0.7)


def changed(lines: list[str], ends: list[str], changes: list[Change]) -> tuple[list[str], list[str]]:
    """The lines and ends after `changes`, which are in order and apart."""
    new_lines: list[str] = []
    new_ends: list[str] = []
    at = 0
    for start, end, added in changes:
        new_lines += lines[at:start]
        new_ends += ends[at:start]
        before = ends[start - 1] if start else ends[0]
        new_lines += added
        replaced = [end or before for end in ends[start:end]] or [before]
        new_ends += [replaced[min(row, len(replaced) - 1)] for row in range(len(added))]
        at = end
    return new_lines + lines[at:], new_ends + ends[at:]


def pick_changes(rng: random.Random, source: Program, numbers: Numbers) -> list[Change]:
    """One to three statements replaced, inserted or deleted; at most one deletion in a section."""
    changes: list[Change] = []
    deleted: set[int] = set()
    for line in sorted(rng.sample(source.editable, rng.randint(1, 3))):
        if changes and line - changes[-1][1] < 1:
            continue
        new = source.grammar.statement.format(n=numbers.next())
        kind = rng.choice(["replace", "insert", "delete", "replace two"])
        section = next(start for start, end in source.sections if start <= line < end)
        if kind == "delete" and section not in deleted:
            deleted.add(section)
            changes.append((line, line + 1, []))
        elif kind == "insert":
            changes.append((line, line, [new]))
        elif kind == "replace two":
            changes.append((line, line + 1, [new, source.grammar.statement.format(n=numbers.next())]))
        else:
            changes.append((line, line + 1, [new]))
    return changes


def grouped(changes: list[Change], gap: int) -> list[list[Change]]:
    groups = [[changes[0]]]
    for before, after in pairwise(changes):
        if after[0] - before[1] <= gap:
            groups[-1].append(after)
        else:
            groups.append([after])
    return groups


def span(lines: list[str], group: list[Change], context: int) -> tuple[int, int]:
    """The lines of a hunk: some context, and more until they stand at one place only."""
    low, high = max(group[0][0] - context, 0), min(group[-1][1] + context, len(lines))
    while low == high or occurrences(lines, lines[low:high]) > 1:
        low, high = max(low - 1, 0), min(high + 1, len(lines))
    return low, high


def occurrences(lines: list[str], block: list[str]) -> int:
    return sum(lines[i : i + len(block)] == block for i in range(len(lines) - len(block) + 1))


def replaced(lines: list[str], low: int, high: int, group: list[Change]) -> list[str]:
    out: list[str] = []
    at = low
    for start, end, added in group:
        out += lines[at:start] + added
        at = end
    return out + lines[at:high]


def signed(lines: list[str], low: int, high: int, group: list[Change]) -> list[str]:
    out: list[str] = []
    at = low
    for start, end, added in group:
        out += [" " + line for line in lines[at:start]]
        out += ["-" + line for line in lines[start:end]] + ["+" + line for line in added]
        at = end
    return out + [" " + line for line in lines[at:high]]


def as_blocks(rng: random.Random, source: Program, changes: list[Change]) -> list[str]:
    signs = rng.choice(
        [
            ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"),
            ("------- SEARCH", "=======", "+++++++ REPLACE"),
            ("<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
            ("<<<<<<<<< SEARCH", "=========", ">>>>>>>>> REPLACE"),
        ]
    )
    out: list[str] = ["Here is the change:", ""] if rng.random() < 0.3 else []
    for group in grouped(changes, 2):
        low, high = span(source.lines, group, rng.randint(0, 3))
        if rng.random() < 0.4:
            out += [source.grammar.path, "```"]
        out += [signs[0], *source.lines[low:high], signs[1]]
        out += [*replaced(source.lines, low, high, group), signs[2]]
        if len(out) > 2 and "```" in out:
            out.append("```")
        out.append("")
    return out


def as_diff(rng: random.Random, source: Program, changes: list[Change]) -> list[str]:
    numbering = rng.choice(["right", "wrong", "none", "bare"])
    path = source.grammar.path
    out = rng.choice(
        [
            [f"--- a/{path}", f"+++ b/{path}"],
            [
                f"diff --git a/{path} b/{path}",
                "index 1234567..89abcde 100644",
                f"--- a/{path}",
                f"+++ b/{path}",
            ],
            [f"--- {path}\t2024-01-01 00:00:00", f"+++ {path}\t2024-01-01 00:00:01"],
        ]
    )
    shift = 0
    for group in grouped(changes, 6):
        low, high = span(source.lines, group, rng.randint(1, 3))
        body = signed(source.lines, low, high, group)
        old, new = sum(line[0] != "+" for line in body), sum(line[0] != "-" for line in body)
        off = 0 if numbering == "right" else rng.randint(-5, 40)
        header = {"none": "@@ ... @@", "bare": "@@"}.get(numbering) or (
            f"@@ -{max(low + 1 + off, 1)},{old + off * (off > 0)} +{max(low + 1 + shift, 1)},{new} @@"
        )
        shift += new - old
        if rng.random() < 0.5:
            body = [line if line != " " else "" for line in body]
            while body and not body[-1]:
                body.pop()  # a blank line at the end of a hunk can belong to nothing
        out += [header, *body]
    return ["```diff", *out, "```"] if rng.random() < 0.3 else out


def as_v4a(rng: random.Random, source: Program, changes: list[Change]) -> list[str]:
    out = ["*** Begin Patch", f"*** Update File: {source.grammar.path}"]
    for group in grouped(changes, 6):
        low, high = span(source.lines, group, rng.randint(1, 3))
        section = next((start for start, end in source.sections if start <= low < end), None)
        scope = source.lines[section] if section is not None and rng.random() < 0.5 else ""
        out += [f"@@ {scope}".rstrip(), *signed(source.lines, low, high, group)]
    return [*out, "*** End Patch"]


def as_whole_file(rng: random.Random, source: Program, changes: list[Change]) -> list[str]:
    new = replaced(source.lines, 0, len(source.lines), changes)
    return ["```markdown", *new, "```"] if rng.random() < 0.5 else new


def as_lazy(rng: random.Random, source: Program, changes: list[Change]) -> list[str]:
    marker = source.grammar.marker
    out: list[str] = []
    at = 0
    for group in grouped(changes, 6):
        low, high = span(source.lines, group, 2)
        if low > at:
            out.append(marker)
        out += replaced(source.lines, low, high, group)
        at = high
    return [*out, marker] if at < len(source.lines) else out


WRITERS: dict[EditFormat, Callable[[random.Random, Program, list[Change]], list[str]]] = {
    EditFormat.SEARCH_REPLACE: as_blocks,
    EditFormat.UNIFIED_DIFF: as_diff,
    EditFormat.V4A: as_v4a,
    EditFormat.WHOLE_FILE: as_whole_file,
    EditFormat.LAZY: as_lazy,
}


def edit_bytes(rng: random.Random, lines: list[str]) -> bytes:
    return rng.choice(["\n", "\n", "\r\n"]).join([*lines, ""]).encode()


def _setting(rng: random.Random) -> tuple[str, Program, Style, list[str], Numbers]:
    language = rng.choice(sorted(GRAMMARS))
    numbers = Numbers(rng)
    source = program(rng, GRAMMARS[language], numbers)
    chosen = style(rng)
    return language, source, chosen, chosen.ends(rng, len(source.lines)), numbers


def applied_case(rng: random.Random, format: EditFormat, again: bool) -> Case:
    """An edit that must be applied; with `again`, the same edit of its own result."""
    while True:
        language, source, chosen, ends, numbers = _setting(rng)
        changes = pick_changes(rng, source, numbers)
        # A deletion alone leaves nothing to recognise it by when it is applied again.
        recognisable = not again or any(added for _, _, added in changes)
        if recognisable and max(end for _, end, _ in changes) < len(source.lines) - 1:
            break
    lines = WRITERS[format](rng, source, changes)
    original = chosen.encode(source.lines, ends)
    expected = chosen.encode(*changed(source.lines, ends, changes))
    auto = format is not EditFormat.WHOLE_FILE and rng.random() < 0.5
    status = Status.APPLIED
    needs_model = format is EditFormat.LAZY
    if again:
        original, status = expected, Status.ALREADY_APPLIED
    return Case(
        f"{format}/{language}/{chosen.encoding}/{chosen.end!r}{'/again' if again else ''}",
        original,
        edit_bytes(rng, lines),
        EditFormat.AUTO if auto else format,
        source.grammar.path,
        status,
        expected,
        needs_model=needs_model,
    )


def refused_case(rng: random.Random) -> Case:
    """An edit that must be refused, for one of many reasons."""
    language, source, chosen, ends, numbers = _setting(rng)
    grammar = source.grammar
    original = chosen.encode(source.lines, ends)
    line = rng.choice(source.editable)
    old, new = source.lines[line], grammar.statement.format(n=numbers.next())
    name, reason, format, lines, model = rng.choice(_REFUSALS)(grammar, source, line, old, new)
    return Case(
        f"{name}/{language}/{chosen.encoding}/{chosen.end!r}",
        original,
        edit_bytes(rng, lines),
        format,
        grammar.path,
        Status.REFUSED,
        original,
        reason,
        model,
    )


Refusing = tuple[str, RefusalReason | None, EditFormat, list[str], bool]


def block(search: list[str], replace: list[str]) -> list[str]:
    return ["<<<<<<< SEARCH", *search, "=======", *replace, ">>>>>>> REPLACE"]


def _ambiguous(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    repeated = grammar.closing[0] or grammar.closing[1]
    reason = RefusalReason.AMBIGUOUS_MATCH
    return "ambiguous", reason, EditFormat.AUTO, block([repeated], [new, repeated]), False


def _absent(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    return "absent", None, EditFormat.SEARCH_REPLACE, block([new + " drift"], [new]), True


def _stale_diff(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    return "stale", None, EditFormat.AUTO, ["@@ -1,2 +1,2 @@", f" {old} drift", f"-{old}", f"+{new}"], True


def _contradictory(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    lines = [*block([old], [new]), *block([old], [new + " "])]
    return "contradictory", RefusalReason.CONTRADICTORY_EDIT, EditFormat.AUTO, lines, False


def _no_change(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    reason = RefusalReason.CONTRADICTORY_EDIT
    return "no change", reason, EditFormat.AUTO, block([old], [old]), False


def _unclosed(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    reason = RefusalReason.UNPARSABLE_EDIT
    return "unclosed", reason, EditFormat.AUTO, block([old], [new])[:-1], False


def _other_file(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    lines = ["--- a/other/file.zig", "+++ b/other/file.zig", "@@ -1 +1 @@", f"-{old}", f"+{new}"]
    return "other file", RefusalReason.UNPARSABLE_EDIT, EditFormat.AUTO, lines, False


def _second_file(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    one = [f"--- a/{grammar.path}", f"+++ b/{grammar.path}", "@@ -1 +1 @@", f"-{old}", f"+{new}"]
    lines = [*one, *_other_file(grammar, source, line, old, new)[3]]
    return "second file", RefusalReason.UNPARSABLE_EDIT, EditFormat.AUTO, lines, False


def _lazy_replacement(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    reason = RefusalReason.PLACEHOLDER_LEAK
    return "lazy replacement", reason, EditFormat.AUTO, block([old], [new, grammar.marker]), False


def _lazy_whole_file(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    return "lazy file", None, EditFormat.WHOLE_FILE, [*source.lines[:line], new, grammar.marker], True


def _empty_search(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    return "empty search", RefusalReason.NO_MATCH, EditFormat.AUTO, block([], [new]), False


def _no_context(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    lines = ["@@ ... @@", f"+{new}"]
    return "no context", RefusalReason.NO_MATCH, EditFormat.UNIFIED_DIFF, lines, False


def _blank(grammar: Grammar, source: Program, line: int, old: str, new: str) -> Refusing:
    return "blank edit", RefusalReason.UNPARSABLE_EDIT, EditFormat.AUTO, ["", "  "], False


_REFUSALS = (
    _ambiguous,
    _absent,
    _stale_diff,
    _contradictory,
    _no_change,
    _unclosed,
    _other_file,
    _second_file,
    _lazy_replacement,
    _lazy_whole_file,
    _empty_search,
    _no_context,
    _blank,
)


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases: three of five applied, one applied again, one refused."""
    rng = random.Random(seed)
    formats = list(WRITERS)
    for number in range(count):
        kind = rng.choice(["applied", "applied", "applied", "again", "refused"])
        if kind == "refused":
            yield refused_case(rng)
        else:
            yield applied_case(rng, formats[number % len(formats)], again=kind == "again")
