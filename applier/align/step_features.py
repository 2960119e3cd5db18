"""What the steps of one reading say for and against it: counts by name, which `judge` weighs.

Only lines of letters say much: `letters` of a text are its letters and digits, `WORDS` of them make a line
that is more than brackets and keywords.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from ..text.definitions import header_name
from ..text.indentation import indent_of
from ..text.line_cache import letters
from ..text.window import GAP, Item
from .input import Scene
from .table import DELETE, INSERT, KEEP, MATCH, SKIP, Step

WORDS = 6
LONG_LINE = 48  # letters after which a line does not say more
Evidence = defaultdict[str, int]  # counts by name

MANY = 12  # lines of text that are hardly deleted by showing their neighbours side by side


def step_evidence(scene: Scene, steps: Sequence[Step], similar: np.ndarray) -> Evidence:
    """Evidence from the steps. `similar` is that of `Likeness`.

    `inserted` and `deleted` lines; those inserted that the window has (`repeated`), those deleted that the
    edit shows (`deleted_shown`); definitions that go with nothing of their name in the edit (`lost_heads`);
    outer lines of chunks that the window has several times (`common_edges`); and what the functions below
    count.
    """
    found: Evidence = defaultdict(int)
    by_row = {step.row: step for step in steps if step.row is not None}
    for step in steps:
        state = step[0]
        if state == KEEP:
            continue
        if state == MATCH:
            _match(scene, step, similar, found)
        elif state == INSERT:
            text = scene.edit_texts[step.row or 0]
            found["inserted" if text else "inserted_blank"] += 1
            found["repeated"] += text in scene.counts and letters(text) >= WORDS
        elif state == DELETE:
            text = text_of(scene, step)
            found["deleted" if text else "deleted_blank"] += 1
            found["deleted_letters"] += min(letters(text), LONG_LINE)
            found["deleted_shown"] += text in scene.shown_counts and letters(text) >= WORDS
            if name := header_name(text):
                found["lost_heads"] += name not in scene.shown_names
    _runs(scene, _inner(steps), found)
    _torn(scene, by_row, found)
    for row in scene.outer_rows():
        found["common_edges"] += is_same(scene, by_row.get(row)) and scene.counts[scene.edit_texts[row]] > 1
    found["matched"] //= 4
    found["single"] //= 4
    found["unlike"] //= 10
    found["deleted_letters"] //= 16
    return found


def _inner(steps: Sequence[Step]) -> Sequence[Step]:
    """The steps from the last that is kept before the first that is not, to the first after the last one."""
    first = next((number for number, step in enumerate(steps) if step[0] != KEEP), len(steps))
    last = next((number for number, step in enumerate(reversed(steps)) if step[0] != KEEP), len(steps))
    return steps[max(0, first - 1) : len(steps) - last + 1]


def text_of(scene: Scene, step: Step) -> str:
    """The window's line of a step, stripped."""
    return "" if step.column is None else scene.item_texts[step.column]


def _match(scene: Scene, step: Step, similar: np.ndarray, found: Evidence) -> None:
    """`matched` letters (`single` those of lines that the window has once), `signs` (lines of brackets) and
    `blanks` that are the same; lines that `changed`, how `unlike` they became, and whether they define a
    `renamed` thing or the same one (`headed`).
    """
    assert step.row is not None
    ours, theirs = scene.edit_texts[step.row], text_of(scene, step)
    if ours != theirs:
        found["changed"] += 1
        found["unlike"] += 100 - int(similar[step.row, step.column])
        before, after = header_name(theirs), header_name(ours)
        found["renamed"] += bool(before and after and before != after)
        found["headed"] += bool(after and before == after)
    elif count := letters(ours):
        found["matched"] += min(count, LONG_LINE)
        found["single"] += min(count, LONG_LINE) if scene.counts[ours] == 1 else 0
    else:
        found["signs" if ours else "blanks"] += 1


def is_same(scene: Scene, step: Step | None) -> bool:
    """Whether a step is a line of text that is the same on both sides."""
    if step is None or step.state != MATCH or step.row is None:
        return False
    return scene.edit_texts[step.row] == text_of(scene, step) != ""


def _hunks(scene: Scene, runs: Sequence[tuple[int, Sequence[Step]]]) -> int:
    """Runs of steps that are neither kept, nor lines that are the same, nor blank ones that are matched."""
    count, changing = 0, False
    for state, run in runs:
        if state == MATCH:
            for _, row, column in run:
                text = "" if column is None else scene.item_texts[column]
                changed = text != "" and text != scene.edit_texts[row or 0]
                count += changed and not changing
                changing = changed
        else:
            count += state != KEEP and not changing
            changing = state != KEEP
    return count


def _runs(scene: Scene, steps: Sequence[Step], found: Evidence) -> None:
    """Runs of steps: `insertions`, `deletions`, those of them that stand between two lines that are the same
    (`pure_insertions`, `pure_deletions`), deletions of more than MANY lines (`mass_deletions`) and of lines
    less deep than both around them (`deep_deletions`), `skips` with their `skipped` lines, and `uneven`
    insertions, with a blank line on one side only. `hunks` are runs of changes of any kind.
    """
    runs = [(state, list(run)) for state, run in groupby(steps, key=itemgetter(0))]
    found["hunks"] = _hunks(scene, runs)
    for number, (state, run) in enumerate(runs):
        before = runs[number - 1][1][-1] if number else None
        after = runs[number + 1][1][0] if number + 1 < len(runs) else None
        if state == INSERT:
            found["insertions"] += 1
            found["pure_insertions"] += is_same(scene, before) and is_same(scene, after)
            found["uneven"] += _uneven(scene, before, run, after)
        elif state == DELETE:
            found["deletions"] += 1
            found["mass_deletions"] += sum(bool(text_of(scene, step)) for step in run) > MANY
            found["pure_deletions"] += is_same(scene, before) and is_same(scene, after)
            found["deep_deletions"] += _reaches_out(scene, before, run, after)
        elif state == SKIP:
            found["skips"] += 1
            found["skipped"] += len(run)


def _reaches_out(scene: Scene, before: Step | None, run: Sequence[Step], after: Step | None) -> bool:
    """Whether lines go that end the scope of the line before and open that of the line after."""
    around = [_line(scene, step) for step in (before, after) if step is not None]
    if len(around) < 2 or any(line is GAP or not line.strip() for line in around):
        return False
    depth = min(indent_of(line) for line in around if line is not GAP)
    gone = [scene.items[step.column] or "" for step in run if step.column is not None]
    return any(line.strip() and indent_of(line) < depth for line in gone)


def _line(scene: Scene, step: Step) -> Item:
    return scene.edit[step.row] if step.row is not None else scene.items[step.column or 0]


def _uneven(scene: Scene, before: Step | None, run: Sequence[Step], after: Step | None) -> bool:
    if before is None or after is None:
        return False
    return (_blank(scene, before) or _blank(scene, run[0])) != (
        _blank(scene, run[-1]) or _blank(scene, after)
    )


def _blank(scene: Scene, step: Step) -> bool:
    line = _line(scene, step)
    return line is not GAP and not line.strip()


def _torn(scene: Scene, by_row: Mapping[int, Step], found: Evidence) -> None:
    """Lines of the file in the body of a new head: the same ones may be wrapped (`torn_same`), changed ones
    (`torn_changed`) belonged to another head.
    """
    heads: list[tuple[int, bool]] = []  # indentation of the lines around, and whether each is new
    for row, text in enumerate(scene.edit_texts):
        if scene.elides[row]:
            heads.clear()
        if scene.elides[row] or scene.silent[row] or not text:
            continue
        depth = scene.indents[row]
        while heads and heads[-1][0] >= depth:
            heads.pop()
        step = by_row.get(row)
        if heads and heads[-1][1] and step is not None and step.state == MATCH and letters(text):
            found["torn_same" if is_same(scene, step) else "torn_changed"] += 1
        heads.append((depth, step is not None and step.state == INSERT))
