"""Edits of real commits in habits of writing that no training edit has.

`training.synth` writes what the apply model learns from, so edits of held-out repositories in its habits show
how well the model does on unseen code. These show how it does on unseen writing: formats and carelessness of
real models, one function for each, each with one right answer.
"""

from __future__ import annotations

import random

from evals.cases.habits import blocks, patches, refusals, snippets
from evals.cases.habits.change import Change, Habit, Written

__all__ = ["HABITS", "Change", "Written", "write"]

HABITS: dict[str, Habit] = {
    habit.__name__: habit
    for habit in (
        snippets.unknown_marker,
        snippets.prose_around,
        snippets.spaces_for_tabs,
        snippets.narrow_indent,
        snippets.overindented,
        snippets.foreign_line_ends,
        snippets.squeezed,
        snippets.folded_scope,
        patches.unnumbered_diff,
        patches.miscounted_diff,
        patches.stale_hunk_among_others,
        patches.v4a,
        patches.v4a_drift,
        blocks.several_blocks,
        blocks.stale_block_among_others,
        blocks.conflict_style,
        blocks.search_with_spaces_for_tabs,
        blocks.elided_search,
        blocks.whole_file,
        refusals.block_for_another_file,
        refusals.snippet_for_another_file,
        refusals.block_with_two_places,
        refusals.block_made_already,
    )
}


def write(change: Change, seed: int, taken: dict[str, int] | None = None) -> tuple[str, Written] | None:
    """(name of the habit, edit) for a change; None when no habit fits it.

    A habit with fewer edits in `taken` is tried before one with more, so that habits which few changes allow
    are not crowded out; `seed` orders the rest.
    """
    rng = random.Random(seed)
    order = list(HABITS)
    rng.shuffle(order)
    order.sort(key=lambda name: (taken or {}).get(name, 0))
    for name in order:
        written = HABITS[name](change, rng)
        if written is not None and written.edit.strip():
            return name, written
    return None
