"""What speaks for and against a reading of a segment, as integers in a fixed order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rapidfuzz import fuzz

from ..text.definitions import header_name
from ..text.indentation import indent_of
from ..text.line_cache import letters, of_line
from .input import Scene
from .variants import CLOSERS, OPENERS, Reading, _new_runs, is_comment

FAMILIES = {
    "python": 1,
    "json": 3,
    "yaml": 4,
    "markdown": 5,
    "css": 6,
    "html": 7,
    "ruby": 8,
    "toml": 4,
    "xml": 7,
    "vue": 7,
    "svelte": 7,
    "sql": 9,
    "bash": 9,
}
HOWS = ("kept", "comments", "blanks", "placed", "replaced", "beside", "indent", "blank", "comma")


@dataclass(frozen=True)
class Segment:
    number: int
    count: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    above: str | None
    below: str | None
    pivot_above: bool
    pivot_below: bool


@of_line
def left_open(line: str) -> tuple[int, int, int]:
    """How many brackets of each kind a line opens and does not close; less than 0 where it closes more."""
    return (
        line.count("(") - line.count(")"),
        line.count("[") - line.count("]"),
        line.count("{") - line.count("}"),
    )


class Features:
    def __init__(self, scene: Scene, language: str | None, settings: int) -> None:
        self.scene, self.settings = scene, settings
        self.family = FAMILIES.get(language or "", 2 if language else 0)
        self.elides = sum(scene.elides)
        self.chunks = 1 + sum(1 for n in range(1, len(scene.edit)) if scene.elides[n])
        names: Counter[str] = Counter()
        for text in scene.item_texts:
            if text and (name := header_name(text)):
                names[name] += 1
        self.names = names

    def of(self, segment: Segment, reading: Reading) -> dict[str, int]:
        scene = self.scene
        f: dict[str, int] = {}
        lines = reading.lines
        markers = [row for row in segment.rows if scene.elides[row]]
        silent = [row for row in segment.rows if scene.silent[row]]
        f["family"] = self.family
        f["rows"] = min(len(segment.rows) - len(markers), 200)
        f["cols"] = min(len(segment.columns), 200)
        f["markers"] = min(len(markers), 5)
        f["silent"] = len(silent)
        f["first"] = int(segment.number == 0)
        f["last"] = int(segment.number == segment.count - 1)
        f["chunks"] = min(self.chunks, 9)
        f["edit"] = len(scene.edit).bit_length()
        f["window"] = len(scene.items).bit_length()
        f["pivot_above"], f["pivot_below"] = int(segment.pivot_above), int(segment.pivot_below)
        have = {line.column for line in lines if line.column is not None}
        gone = [c for c in segment.columns if c not in have]
        texts = scene.item_texts
        gone_text = [texts[c] for c in gone]
        f["gone"] = min(sum(map(bool, gone_text)), 200)
        f["gone_blank"] = min(sum(not t for t in gone_text), 50)
        f["gone_comment"] = sum(is_comment(t) for t in gone_text if t)
        gone_names = [n for t in gone_text if t and (n := header_name(t))]
        shown_names = scene.shown_names
        f["gone_heads"] = len(gone_names)
        f["gone_heads_lost"] = sum(n not in shown_names for n in gone_names)
        f["gone_shown"] = sum(bool(t) and letters(t) > 5 and scene.shown_counts[t] > 0 for t in gone_text)
        runs = []
        for c in gone:
            if runs and runs[-1][-1] == c - 1:
                runs[-1].append(c)
            else:
                runs.append([c])
        f["gone_runs"] = len(runs)
        f["gone_longest"] = min(max((sum(bool(texts[c]) for c in run) for run in runs), default=0), 200)
        new = [line for line in lines if line.column is None]
        f["new"] = sum(bool((l.text or "").strip()) for l in new)
        f["new_blank"] = sum(not (l.text or "").strip() for l in new)
        f["new_comment"] = sum(is_comment((l.text or "").strip()) for l in new)
        new_names = [n for l in new if l.text and (n := header_name(l.text))]
        f["new_heads"] = len(new_names)
        lost = Counter(gone_names)
        f["doubled_names"] = sum(self.names[n] - lost[n] > 0 for n in new_names)
        in_window = [
            bool(l.text and l.text.strip()) and scene.counts[l.text.strip()] > 0 and letters(l.text) > 5
            for l in new
        ]
        f["new_known"] = sum(in_window)
        gone_counts = Counter(gone_text)
        f["new_gone"] = sum(bool(l.text and l.text.strip()) and gone_counts[l.text.strip()] > 0 for l in new)
        changed = unlike = renamed = same = signs = blanks = white_only = headed = 0
        worst = 0
        for line in lines:
            if line.row is None or line.column is None:
                continue
            ours, theirs = scene.edit_texts[line.row], texts[line.column]
            if ours == theirs:
                n = letters(ours)
                same += min(n, 48)
                signs += bool(ours) and not n
                blanks += not ours
                white_only += bool(ours) and scene.items[line.column] != line.text
            else:
                changed += 1
                u = 100 - int(fuzz.ratio(ours, theirs))
                unlike += u
                worst = max(worst, u)
                a, b = header_name(theirs), header_name(ours)
                renamed += bool(a and b and a != b)
                headed += bool(a and a == b)
        f["changed"], f["unlike"], f["worst"], f["renamed"], f["headed"] = (
            changed,
            unlike // 10,
            worst,
            renamed,
            headed,
        )
        f["same"], f["signs"], f["blanks"], f["white"] = same // 4, signs, blanks, white_only
        # lines that stay unshown, beside shown lines of one chunk with no marker between
        unmarked = marked = 0
        last_row = None
        run = 0
        for line in lines:
            if line.row is None:
                run += bool(line.text is None or line.text.strip())
                continue
            if last_row is not None and run:
                if any(scene.elides[last_row : line.row]):
                    marked += run
                else:
                    unmarked += run
            elif last_row is None and run and segment.pivot_above:
                row0 = segment.rows[0] if segment.rows else line.row
                if any(scene.elides[row0 : line.row]):
                    marked += run
                else:
                    unmarked += run
            run, last_row = 0, line.row
        if run and segment.pivot_below:
            rowz = segment.rows[-1] if segment.rows else 0
            start = last_row if last_row is not None else (segment.rows[0] if segment.rows else 0)
            if any(scene.elides[start : rowz + 1]):
                marked += run
            else:
                unmarked += run
        f["unmarked"], f["marked"] = min(unmarked, 200), min(marked, 200)
        # markers that keep nothing
        idle = 0
        shown_rows = [line.row for line in lines if line.row is not None]
        for row in markers:
            kept = False
            prev = max((r for r in shown_rows if r < row), default=None)
            nxt = min((r for r in shown_rows if r > row), default=None)
            i0 = next((i for i, l in enumerate(lines) if l.row == prev), -1) if prev is not None else -1
            i1 = (
                next((i for i, l in enumerate(lines) if l.row == nxt), len(lines))
                if nxt is not None
                else len(lines)
            )
            kept = any(l.row is None and (l.text is None or l.text.strip()) for l in lines[i0 + 1 : i1])
            idle += not kept
        f["idle"] = idle
        left = [0, 0, 0]
        for c in gone:
            for n, count in enumerate(left_open(scene.items[c] or "")):
                left[n] -= count
        for line in lines:
            if line.row is not None:
                had = left_open(scene.items[line.column] or "") if line.column is not None else (0, 0, 0)
                for n, count in enumerate(left_open(line.text or "")):
                    left[n] += count - had[n]
        f["unbalanced"] = sum(map(abs, left))
        # joins
        full = [segment.above, *[l.text for l in lines], segment.below]
        origin = [("p", -1), *[(l.row, l.column) for l in lines], ("p", -2)]
        bad = stutter = tight = loose = doubled = 0
        filled = [(n, t) for n, t in enumerate(full) if t is not None and t.strip()]
        for (n, a), (m, b) in zip(filled, filled[1:]):
            la, lb = origin[n], origin[m]
            if (
                la[1] is not None
                and lb[1] is not None
                and la[0] is None
                and lb[0] is None
                and lb[1] == la[1] + 1
            ):
                continue
            if la[1] is None and lb[1] is None and m - n == 1:
                continue
            if indent_of(b) > indent_of(a):
                bad += not a.rstrip().endswith((*OPENERS, ",", "=", "\\", "&&", "||", "+", ".", ">"))
            else:
                bad += a.rstrip().endswith(("{", ":", "(", "[")) and not b.strip().startswith(CLOSERS)
            stutter += a.strip() == b.strip() and letters(a) > 0
            boundary = (
                bool(header_name(b))
                or is_comment(b.strip())
                or b.strip().startswith("@")
                or a.strip() in ("}", "});", "end", "};")
            )
            deeper = indent_of(b) > indent_of(a)
            if boundary and not deeper and not b.strip().startswith(CLOSERS):
                tight += m - n == 1
                loose += m - n > 1
        wide = 0
        for n in range(len(full) - 1):
            a, b = full[n], full[n + 1]
            if a is not None and b is not None and not a.strip() and not b.strip():
                wide += 1
        f["bad"], f["stutter"], f["tight"], f["loose"], f["wide"] = bad, stutter, tight, loose, wide
        f["wide_had"] = sum(
            not texts[a] and not texts[b] for a, b in zip(segment.columns, segment.columns[1:])
        )
        # where new runs stand
        runs_new = _new_runs(lines)
        f["new_runs"] = len(runs_new)
        start, end = max(runs_new, key=lambda r: r[1] - r[0]) if runs_new else (0, 0)
        f["to_above"] = f["to_below"] = f["deep_above"] = f["deep_below"] = -99
        f["scope_end"] = f["scope_start"] = f["sorted"] = 0
        f["above_same"] = f["below_same"] = 0
        f["marker_above"] = f["marker_below"] = 0
        f["blank_above"] = f["blank_below"] = 0
        f["is_unit"] = 0
        if runs_new:
            run = [l for l in lines[start:end]]
            filled_run = [l.text for l in run if l.text and l.text.strip()]
            a = next((n for n in range(start - 1, -1, -1) if lines[n].row is not None), None)
            b = next((n for n in range(end, len(lines)) if lines[n].row is not None), None)
            f["to_above"] = min(
                sum(
                    bool(l.text is None or l.text.strip())
                    for l in lines[(a + 1 if a is not None else 0) : start]
                ),
                99,
            )
            f["to_below"] = min(
                sum(
                    bool(l.text is None or l.text.strip())
                    for l in lines[end : b if b is not None else len(lines)]
                ),
                99,
            )
            above = next(
                (
                    t
                    for t in reversed([segment.above, *[l.text for l in lines[:start]]])
                    if t is None or t.strip()
                ),
                None,
            )
            below = next(
                (t for t in [*[l.text for l in lines[end:]], segment.below] if t is None or t.strip()), None
            )
            if filled_run:
                mine, mine_last = indent_of(filled_run[0]), indent_of(filled_run[-1])
                f["is_unit"] = int(
                    bool(header_name(filled_run[0]))
                    or is_comment(filled_run[0].strip())
                    or filled_run[0].strip().startswith("@")
                )
                if above:
                    f["deep_above"] = max(-20, min(20, mine - indent_of(above)))
                    f["scope_start"] = int(above.rstrip().endswith(OPENERS) and indent_of(above) < mine)
                if below:
                    f["deep_below"] = max(-20, min(20, mine_last - indent_of(below)))
                    f["scope_end"] = int(indent_of(below) < mine and below.strip().startswith(CLOSERS))
                else:
                    f["scope_end"] = 2
                lo, hi = (above or "").strip().rstrip(","), (below or "").strip().rstrip(",")
                run_s = [t.strip().rstrip(",") for t in filled_run]
                if len(run_s) <= 6:
                    f["sorted"] = int(bool(lo) and lo <= run_s[0]) + 2 * int(bool(hi) and run_s[-1] <= hi)
                word = filled_run[0].strip().split(" ")[0]
                f["above_same"] = int((above or "").strip().startswith(word))
                f["below_same"] = int((below or "").strip().startswith(word))
            r0, r1 = run[0].row or 0, run[-1].row or 0
            up = r0 - 1
            while up >= 0 and scene.blank[up]:
                up -= 1
            down = r1 + 1
            while down < len(scene.edit) and scene.blank[down]:
                down += 1
            f["marker_above"] = 2 if up < 0 else int(scene.elides[up])
            f["marker_below"] = 2 if down >= len(scene.edit) else int(scene.elides[down])
            full2 = [segment.above, *[l.text for l in lines], segment.below]
            x, y = full2[start], full2[end + 1]
            f["blank_above"] = int(x is not None and not x.strip()) + 2 * int(not (run[0].text or "").strip())
            f["blank_below"] = int(y is not None and not y.strip()) + 2 * int(
                not (run[-1].text or "").strip()
            )
        f["votes"] = sum(v < self.settings for v in reading.votes)
        f["votes_named"] = sum(v >= self.settings for v in reading.votes)
        f["default"] = int(0 in reading.votes)
        for how in HOWS:
            f["how_" + how] = int(how in reading.how)
        return f
