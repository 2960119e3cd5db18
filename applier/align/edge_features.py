"""What the borders of an edit say for and against a reading: chunk ends, markers, what it does not show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..text.indentation import indent_of
from ..text.window import GAP, Item
from .input import FAR, Scene
from .step_features import Evidence, is_same, text_of
from .table import DELETE, INSERT, KEEP, MATCH, Step

FEW = 3  # lines outside of what an edit shows that are likelier gone than elided without a marker


def border_evidence(scene: Scene, steps: Sequence[Step]) -> Evidence:
    """Counts by name, as `evidence.step_evidence` gives them."""
    found: Evidence = defaultdict(int)
    _edges(scene, steps, found)
    _outside(scene, steps, found)
    _markers(scene, steps, found)
    _removals(scene, steps, found)
    return found


def _edges(scene: Scene, steps: Sequence[Step], found: Evidence) -> None:
    """Outer lines of chunks that are new (`edge_inserted`) or changed (`edge_changed`), not context."""
    by_row = {step.row: step for step in steps if step.row is not None}
    for row in scene.outer_rows():
        step = by_row.get(row)
        found["edge_inserted"] += step is not None and step.state == INSERT
        found["edge_changed"] += step is not None and step.state == MATCH and not is_same(scene, step)


def _outside(scene: Scene, steps: Sequence[Step], found: Evidence) -> None:
    """Lines of text that stay before an edit (`led`) or after it (`trailed`) with no marker there, or that go
    (`cut`, counted again as `cut_unmarked` in an edit with no marker at all). Such an edit that starts or
    ends with the window may be the whole file: `cuts_whole` where lines go at its other end, `left_whole`
    where they stay. One that shows less than half of the window is hardly that (`cuts_sparse`).
    """
    if not scene.edit:
        return
    marked = any(scene.elides)
    shown = sum(count for text, count in scene.shown_counts.items() if text)
    sizes = scene.sizes
    for name, end, way in (("led", 0, 1), ("trailed", -1, -1)):
        if scene.elides[end]:
            continue
        kept = gone = 0
        for step in steps[::way]:
            if step.row is not None or step.column is None:
                break
            size = sizes[step.column]
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
        found["cuts_sparse"] += gone > 0 and shown < sum(sizes) // 2
        found["cuts_whole"] += gone > 0 and not marked and _reaches(scene, steps[::-way])
        found["left_whole"] += kept > 0 and not marked and _reaches(scene, steps[::-way])


def _reaches(scene: Scene, steps: Sequence[Step]) -> bool:
    """Whether the edit shows the first line of text that the steps come to."""
    for step in steps:
        if step.row is not None and scene.edit_texts[step.row]:
            return True
        if step.column is not None and (scene.items[step.column] is GAP or text_of(scene, step)):
            return False
    return False


def _markers(scene: Scene, steps: Sequence[Step], found: Evidence) -> None:
    """Markers that stand for nothing (`idle_markers`), for less deep lines than themselves
    (`shallow_markers`) or for deeper ones (`deep_markers`).
    """
    if not any(scene.elides):
        return
    kept: dict[int, Item] = {}  # the first line of text, or gap, after each line of the edit
    sizes, last = scene.sizes, -1
    for state, row, column in steps:
        if row is not None:
            last = row
        elif state == KEEP and column is not None and sizes[column] and last not in kept:
            kept[last] = scene.items[column]
    above = -1
    for number, elided in enumerate(scene.elides):
        if not elided:
            above = above if scene.silent[number] else number
            continue
        first = next((kept[at] for at in range(above, number + 1) if at in kept), "")
        if first == "":
            found["idle_markers"] += 1
        elif first is not GAP:
            depth = indent_of(first) - scene.indents[number]
            found["shallow_markers"] += depth < 0
            found["deep_markers"] += depth > 0


def _removals(scene: Scene, steps: Sequence[Step], found: Evidence) -> None:
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
