"""What a snippet shows of a change: which unchanged lines stand around the changed ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from applier.text.hunks import Hunk, is_weak


def indent_of(line: str) -> int:
    """Columns of white space at the start, a tab being four."""
    body = line.lstrip()
    return len(line[: len(line) - len(body)].expandtabs(4))


@dataclass
class View:
    """A change and the unchanged old lines that the snippet shows (`shown[i]` for old line i)."""

    old: Sequence[str]
    new: Sequence[str]
    hunks: Sequence[Hunk]
    shown: bytearray = field(init=False)
    changed: bytearray = field(init=False)
    stripped: list[str] = field(init=False)
    positions: dict[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.shown = bytearray(len(self.old))
        self.changed = bytearray(len(self.old))
        for hunk in self.hunks:
            self.changed[hunk.old_start : hunk.old_end] = b"\1" * hunk.removed
        self.stripped = [line.strip() for line in self.old]
        self.positions = defaultdict(list)
        for i, text in enumerate(self.stripped):
            self.positions[text].append(i)

    def show(self, start: int, end: int) -> None:
        """Shows the unchanged lines of a range."""
        for i in range(max(start, 0), min(end, len(self.old))):
            self.shown[i] = not self.changed[i]

    def before(self, hunk: Hunk, floor: int = 0) -> range:
        """The shown lines that touch the hunk from above."""
        i = hunk.old_start
        while i > floor and self.shown[i - 1]:
            i -= 1
        return range(i, hunk.old_start)

    def after(self, hunk: Hunk) -> range:
        """The shown lines that touch the hunk from below."""
        i = hunk.old_end
        while i < len(self.old) and self.shown[i]:
            i += 1
        return range(hunk.old_end, i)

    def show_before(self, hunk: Hunk, count: int) -> None:
        """Shows `count` more lines above, counting only lines that are not blank."""
        i = self.before(hunk).start - 1
        while i >= 0 and count > 0 and not self.changed[i]:
            self.shown[i] = 1
            count -= bool(self.stripped[i])
            i -= 1

    def show_after(self, hunk: Hunk, count: int) -> None:
        """Shows `count` more lines below, counting only lines that are not blank."""
        i = self.after(hunk).stop
        while i < len(self.old) and count > 0 and not self.changed[i]:
            self.shown[i] = 1
            count -= bool(self.stripped[i])
            i += 1

    def headers(self, line: int, limit: int = 3) -> list[int]:
        """The heads of the scopes around a line, innermost first, by indentation."""
        start = min(line, len(self.old) - 1)
        while start > 0 and not self.stripped[start]:
            start -= 1
        indent = indent_of(self.old[start])
        found: list[int] = []
        for i in range(start - 1, max(-1, start - 600), -1):
            if indent == 0 or len(found) == limit:
                break
            here = indent_of(self.old[i])
            if self.stripped[i] and here < indent:
                indent = here
                if not is_weak(self.old[i]) and not self.changed[i]:
                    found.append(i)
        return found

    def scope_end(self, header: int) -> int:
        """One past the last line of the scope that a header opens, its closing line included."""
        indent = indent_of(self.old[header])
        last = header
        for i in range(header + 1, len(self.old)):
            if not self.stripped[i]:
                continue
            if indent_of(self.old[i]) <= indent:
                if is_weak(self.old[i]) or self.stripped[i].startswith(("}", ")", "]", "end", "</")):
                    last = i
                    if self.stripped[i].endswith(("{", "(", "[")):
                        continue
                break
            last = i
        return last + 1

    def places(self, hunk: Hunk, low: int = 0, high: int | None = None) -> int:
        """In how many places of old lines [low, high) the shown neighbours of the hunk fit; 0 when none
        is shown. White space at the ends of lines does not tell places apart.
        """
        high = len(self.old) if high is None else high
        above = [self.stripped[i] for i in self.before(hunk)]
        below = [self.stripped[i] for i in self.after(hunk)]
        if not any(above) and not any(below):
            return 0
        reach = 2 * hunk.removed + 6
        if not above:
            return len(self.starts(below, low, high))
        ends = [i + len(above) for i in self.starts(above, low, high)]
        if not below:
            return len(ends)
        starts = self.starts(below, low, high)
        return sum(1 for end in ends for start in starts if 0 <= start - end <= reach)

    def starts(self, texts: list[str], low: int, high: int) -> list[int]:
        """Where the texts (stripped, at least one) stand one after the other in old lines [low, high)."""
        rarest = min(range(len(texts)), key=lambda k: len(self.positions[texts[k]]))
        found = []
        for position in self.positions[texts[rarest]]:
            start = position - rarest
            if (
                low <= start
                and start + len(texts) <= high
                and self.stripped[start : start + len(texts)] == texts
            ):
                found.append(start)
        return found
