"""What the steps of one reading say for and against it: counts by name, which `judge` weighs.

Only lines of letters say much: `letters` of a text are its letters and digits, `WORDS` of them make a line
that is more than brackets and keywords.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ..anchors import header_name, indent_of
from ..window import GAP, Item
from .scene import Scene
from .table import DELETE, INSERT, KEEP, MATCH, SKIP, Step

WORDS = 6
LONG_LINE = 48  # letters after which a line does not say more
FEW = 3  # lines outside of what an edit shows that are likelier gone than elided without a marker
FAR = 20


def letters(text: str) -> int:
    """Letters and digits of a text."""
    return sum(map(str.isalnum, text))


def step_evidence(scene: Scene, steps: Sequence[Step], similar: np.ndarray) -> Counter[str]:
    """Evidence from the steps. `similar` is that of `Likeness`."""
    found: Counter[str] = Counter()
    had = Counter(item.strip() for item in scene.items if item is not GAP)
    shown = Counter(line.strip() for line in scene.shown if line is not GAP)
    for step in steps:
        if step.state == MATCH:
            _match(scene, step, similar, had, found)
        elif step.state == INSERT:
            text = scene.edit[step.row or 0].strip()
            found["inserted" if text else "inserted_blank"] += 1
            found["repeated"] += letters(text) >= WORDS and had[text] > 0
        elif step.state == DELETE:
            text = _text(scene, step)
            found["deleted" if text else "deleted_blank"] += 1
            found["deleted_letters"] += min(letters(text), LONG_LINE)
            found["deleted_shown"] += letters(text) >= WORDS and shown[text] > 0
    _runs(scene, steps, found)
    _edges(scene, steps, found)
    _outside(scene, steps, found)
    _markers(scene, steps, found)
    _removals(scene, steps, found)
    found["matched"] //= 4
    found["single"] //= 4
    found["unlike"] //= 10
    found["deleted_letters"] //= 16
    return found


def _text(scene: Scene, step: Step) -> str:
    """The window's line of a step, stripped."""
    return "" if step.column is None else (scene.items[step.column] or "").strip()


def _match(scene: Scene, step: Step, similar: np.ndarray, had: Counter[str], found: Counter[str]) -> None:
    """`matched` letters (`single` those of lines that the window has once), `signs` (lines of brackets) and
    `blanks` that are the same; lines that `changed`, how `unlike` they became, and whether they define a
    `renamed` thing or the same one (`headed`).
    """
    assert step.row is not None
    ours, theirs = scene.edit[step.row].strip(), _text(scene, step)
    if ours != theirs:
        found["changed"] += 1
        found["unlike"] += 100 - int(similar[step.row, step.column])
        before, after = header_name(theirs), header_name(ours)
        found["renamed"] += bool(before and after and before != after)
        found["headed"] += bool(after and before == after)
    elif count := letters(ours):
        found["matched"] += min(count, LONG_LINE)
        found["single"] += min(count, LONG_LINE) if had[ours] == 1 else 0
    else:
        found["signs" if ours else "blanks"] += 1


def _same(scene: Scene, step: Step | None) -> bool:
    """Whether a step is a line of text that is the same on both sides."""
    if step is None or step.state != MATCH or step.row is None:
        return False
    return scene.edit[step.row].strip() == _text(scene, step) != ""


def _blank_match(scene: Scene, step: Step) -> bool:
    return step.state == MATCH and not _text(scene, step)


def _runs(scene: Scene, steps: Sequence[Step], found: Counter[str]) -> None:
    """Runs of steps: `insertions`, `deletions`, those of them that stand between two lines that are the same
    (`pure_insertions`, `pure_deletions`), `skips` with their `skipped` lines, and `uneven` insertions, with a
    blank line on one side only. `hunks` are runs of changes of any kind.
    """
    changes = (not (_same(scene, step) or step.state == KEEP or _blank_match(scene, step)) for step in steps)
    found["hunks"] = sum(changed for changed, _ in groupby(changes))
    runs = [(state, list(run)) for state, run in groupby(steps, key=lambda step: step.state)]
    for number, (state, run) in enumerate(runs):
        before = runs[number - 1][1][-1] if number else None
        after = runs[number + 1][1][0] if number + 1 < len(runs) else None
        if state == INSERT:
            found["insertions"] += 1
            found["pure_insertions"] += _same(scene, before) and _same(scene, after)
            found["uneven"] += _uneven(scene, before, run, after)
        elif state == DELETE:
            found["deletions"] += 1
            found["pure_deletions"] += _same(scene, before) and _same(scene, after)
        elif state == SKIP:
            found["skips"] += 1
            found["skipped"] += len(run)


def _uneven(scene: Scene, before: Step | None, run: Sequence[Step], after: Step | None) -> bool:
    if before is None or after is None:
        return False
    return (_blank(scene, before) or _blank(scene, run[0])) != (
        _blank(scene, run[-1]) or _blank(scene, after)
    )


def _blank(scene: Scene, step: Step) -> bool:
    line = scene.edit[step.row] if step.row is not None else scene.items[step.column or 0]
    return line is not GAP and not line.strip()


def _edges(scene: Scene, steps: Sequence[Step], found: Counter[str]) -> None:
    """Outer lines of chunks that are new (`edge_inserted`) or changed (`edge_changed`), not context."""
    by_row = {step.row: step for step in steps if step.row is not None}
    for row in scene.outer_rows():
        step = by_row.get(row)
        found["edge_inserted"] += step is not None and step.state == INSERT
        found["edge_changed"] += step is not None and step.state == MATCH and not _same(scene, step)


def _outside(scene: Scene, steps: Sequence[Step], found: Counter[str]) -> None:
    """Lines of text that stay before an edit (`led`) or after it (`trailed`) with no marker there, or that go
    (`cut`, counted again as `cut_unmarked` in an edit with no marker at all). Such an edit that starts or
    ends with the window may be the whole file: `cuts_whole` where lines go at its other end, `left_whole`
    where they stay.
    """
    if not scene.edit:
        return
    marked = any(scene.elides)
    for name, end, way in (("led", 0, 1), ("trailed", -1, -1)):
        if scene.elides[end]:
            continue
        kept = gone = 0
        for step in steps[::way]:
            if step.row is not None or step.column is None:
                break
            item = scene.items[step.column]
            size = FAR if item is GAP else bool(item.strip())
            if step.state == DELETE:
                gone += size
            else:
                kept += size
        found[name] += min(kept, FAR)
        found[f"{name}_few"] += 0 < kept <= FEW
        found["cut"] += gone
        found["cuts"] += gone > 0
        found["cut_unmarked"] += gone if not marked else 0
        found["cuts_unmarked"] += gone > 0 and not marked
        found["cuts_whole"] += gone > 0 and not marked and _reaches(scene, steps[::-way])
        found["left_whole"] += kept > 0 and not marked and _reaches(scene, steps[::-way])


def _reaches(scene: Scene, steps: Sequence[Step]) -> bool:
    """Whether the edit shows the first line of text that the steps come to."""
    for step in steps:
        if step.row is not None and scene.edit[step.row].strip():
            return True
        if step.column is not None and (scene.items[step.column] is GAP or _text(scene, step)):
            return False
    return False


def _markers(scene: Scene, steps: Sequence[Step], found: Counter[str]) -> None:
    """Markers that stand for nothing (`idle_markers`), for less deep lines than themselves
    (`shallow_markers`) or for deeper ones (`deep_markers`).
    """
    kept: dict[int, list[Item]] = {}  # by the last line of the edit before them
    row = -1
    for step in steps:
        if step.row is not None:
            row = step.row
        elif step.state == KEEP and step.column is not None:
            kept.setdefault(row, []).append(scene.items[step.column])
    above = -1
    for number, elided in enumerate(scene.elides):
        if not elided:
            above = above if scene.silent[number] else number
            continue
        lines = [line for at in range(above, number + 1) for line in kept.get(at, ())]
        first = next((line for line in lines if line is GAP or line.strip()), "")
        if first == "":
            found["idle_markers"] += 1
        elif first is not GAP:
            depth = indent_of(first) - indent_of(scene.edit[number])
            found["shallow_markers"] += depth < 0
            found["deep_markers"] += depth > 0


def _removals(scene: Scene, steps: Sequence[Step], found: Counter[str]) -> None:
    """Comments on a deletion beside which lines go (`said_removals`) or none do (`unmet_removals`)."""
    if not any(scene.silent):
        return
    gone: set[int] = set()  # last lines of the edit, silent ones aside, before lines that go
    row = -1
    for step in steps:
        if step.row is not None:
            row = step.row
        elif step.state == DELETE:
            gone.add(row)
    above = -1
    for number, silent in enumerate(scene.silent):
        if not silent:
            above = number
        else:
            met = any(above <= at <= number for at in gone)
            found["said_removals" if met else "unmet_removals"] += 1
