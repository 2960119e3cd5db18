"""Search/replace blocks and whole files as models write them."""

from __future__ import annotations

import random

from applier.types import EditFormat
from evals.cases.case import Category
from evals.cases.habits.change import Change, Written
from training.synth.blocks import DIVIDER, REPLACE, SEARCH, search_replace
from training.synth.markers import comment_styles
from training.synth.view import View

LONGEST_FILE = 300  # lines that a model would write out whole
FROM_LINES = 14  # a block from which its middle would be left out


def _blocks(
    change: Change, rng: random.Random, *, least: int = 1, drift: bool = False
) -> tuple[list[list[str]], list[str]] | None:
    """(lines of each block, target); with `drift`, one search half is misremembered."""
    drawn = change.far_hunks(rng, least)
    if drawn is None:
        return None
    target, hunks = drawn
    drifting = rng.randrange(len(hunks)) if drift else -1
    blocks = []
    for index, hunk in enumerate(hunks):
        made = search_replace(change.old, target, hunk, rng, drift=index == drifting)
        if made is None:
            return None
        blocks.append(made[0])
    return blocks, target


def _reply(change: Change, blocks: list[list[str]], rng: random.Random) -> str:
    """Blocks as in a chat: file name, fence, and a sentence between them."""
    lines = ["I'll make these changes:", ""] if rng.random() < 0.5 else []
    for block in blocks:
        lines += [change.path, f"```{change.language}", *block, "```", ""]
    return "\n".join(lines)


def several_blocks(change: Change, rng: random.Random) -> Written | None:
    """Several exact blocks in one reply."""
    made = _blocks(change, rng, least=2)
    if made is None or any("```" in line for block in made[0] for line in block):
        return None
    return Written(_reply(change, made[0], rng), Category.PLAIN, made[1])


def stale_block_among_others(change: Change, rng: random.Random) -> Written | None:
    """Several blocks, one of them misremembered: all of it or nothing."""
    made = _blocks(change, rng, least=2, drift=True)
    if made is None or any("```" in line for block in made[0] for line in block):
        return None
    text = _reply(change, made[0], rng)
    return Written(text, Category.PARTIAL_APPLICATION, made[1], not_exact=True)


def conflict_style(change: Change, rng: random.Random) -> Written | None:
    """A block in the signs of a merge conflict."""
    made = _blocks(change, rng)
    if made is None or len(made[0]) > 1:
        return None
    signs = {SEARCH: "<<<<<<< HEAD", REPLACE: ">>>>>>> NEW"}
    lines = [signs.get(line, line) for line in made[0][0]]
    return Written("\n".join(lines) + "\n", Category.DELIMITER_COLLISION, made[1])


def search_with_spaces_for_tabs(change: Change, rng: random.Random) -> Written | None:
    """Both halves have spaces where the file has tabs."""
    made = _blocks(change, rng)
    if made is None or len(made[0]) > 1:
        return None
    lines = [
        " " * 4 * (len(line) - len(line.lstrip("\t"))) + line.lstrip("\t") if line.strip() else line
        for line in made[0][0]
    ]
    if lines == made[0][0] or any("\t" in line for line in lines):
        return None
    return Written("\n".join(lines) + "\n", Category.INDENTATION, made[1], not_exact=True)


def elided_search(change: Change, rng: random.Random) -> Written | None:
    """The unchanged head of a scope, a marker for what lies between, and the change, in both halves."""
    drawn = change.far_hunks(rng, 1)
    if drawn is None:
        return None
    target, hunks = drawn
    hunk = hunks[0]
    view = View(change.old, target, hunks)
    headers = view.headers(hunk.old_start, limit=1)
    if len(hunks) > 1 or not headers or not hunk.removed or hunk.old_start - headers[0] < FROM_LINES:
        return None
    if len(view.positions[view.stripped[headers[0]]]) > 1:
        return None
    head = change.old[headers[0]]
    context = change.old[hunk.old_start - 2 : hunk.old_start]
    old_lines = [*context, *change.old[hunk.old_start : hunk.old_end]]
    inside = [line.strip() for line in old_lines]
    if len(view.starts(inside, 0, len(change.old))) != 1:
        return None
    indent = context[0][: len(context[0]) - len(context[0].lstrip())]
    marker = indent + comment_styles(change.language)[0]("... existing code ...")
    new_lines = [*context, *target[hunk.new_start : hunk.new_end]]
    lines = [SEARCH, head, marker, *old_lines, DIVIDER, head, marker, *new_lines, REPLACE]
    return Written("\n".join(lines) + "\n", Category.PLACEHOLDER_LEAK, target, not_exact=True)


def whole_file(change: Change, rng: random.Random) -> Written | None:
    """The whole new file in a fence."""
    target, _ = change.some_hunks(rng)
    if len(target) > LONGEST_FILE or any("```" in line for line in target):
        return None
    body = "\n".join(target)
    text = f"```{change.language}\n{body}\n```\n"
    return Written(text, Category.PLAIN, target, format=EditFormat.WHOLE_FILE)
