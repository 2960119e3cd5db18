"""The merges that one inexact edit needs: one for a snippet, one for each part that did not match."""

from __future__ import annotations

from collections.abc import Collection

from .formats import LazySnippet, ParsedEdit, WholeFile
from .normalise import folded_row, normalise_part, normalise_snippet
from .parts import from_block, from_hunk
from .plan import Context, MergePlan, plan_part, plan_snippet
from .types import Refusal, RefusalReason


def plan_edit(context: Context, edit: ParsedEdit, pending: Collection[int]) -> list[MergePlan] | Refusal:
    """`pending` are the lines of the edit at which the parts begin that the exact tier left over."""
    doubt = 0
    if isinstance(edit, LazySnippet):
        stub = context.path.endswith(".pyi")
        edit, doubt = normalise_snippet(edit, context.lines, context.language, stub=stub)
        row = folded_row(edit.lines, edit.markers, context.lines, context.language)
        if row is not None:
            message = f"{edit.lines[row].strip()!r} folds code that the file does not have so, or has twice; "
            return Refusal(
                RefusalReason.PLACEHOLDER_LEAK, message + "write it out, or leave it out", (), edit.line
            )
    if isinstance(edit, LazySnippet | WholeFile):
        made = [plan_snippet(context, edit.lines, edit.markers, doubt)]
    else:
        parts = [from_block(block, context.language)[0] for block in getattr(edit, "blocks", ())]
        parts += [from_hunk(hunk, context.language) for hunk in getattr(edit, "hunks", ())]
        left = [part for part in parts if part.line in pending]
        made = [plan_part(context, normalise_part(part, context.lines, context.language)) for part in left]
    plans: list[MergePlan] = []
    for plan in made:
        if isinstance(plan, Refusal):
            return plan
        plans.append(plan)
    return plans
