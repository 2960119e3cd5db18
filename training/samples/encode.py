"""From a case to token ids, through the window and the prompt that serving uses."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rapidfuzz.distance import LCSseq

from applier.locate.locator import locate
from applier.merge.prompt import PromptCodec
from applier.text.window import Item, Window
from applier.types import Refusal
from training.samples.shards import Sample
from training.synth import SynthCase


def locate_case(case: SynthCase, rng: random.Random | None = None) -> tuple[Window, list[Item]] | None:
    """The window that serving would choose (margins drawn with `rng`) and the merged window that is right.

    None where serving would refuse, or would not see the place of a change.
    """
    window = locate(case.old, case.edit_lines, case.language, rng=rng)
    if isinstance(window, Refusal):
        return None
    merged = window.project(case.old, case.new)
    return None if merged is None else (window, merged)


def encode_case(
    case: SynthCase, codec: PromptCodec, rng: random.Random | None = None, max_tokens: int | None = None
) -> Sample | None:
    """The sample of a case; None as in `locate_case`, and beyond `max_tokens`."""
    found = locate_case(case, rng)
    if found is None:
        return None
    window, merged = found
    items = window.items(case.old)
    prompt = codec.build_prompt(items, case.edit_lines, case.instruction, case.path)
    if max_tokens is not None and len(prompt) >= max_tokens:
        return None
    answer = codec.build_answer(merged)
    if max_tokens is not None and len(prompt) + len(answer) > max_tokens:
        return None
    decisions = [len(prompt) + at for at in decision_offsets(items, merged, codec)]
    return Sample([*prompt, *answer], len(prompt), decisions)


def decision_offsets(window: Sequence[Item], merged: Sequence[Item], codec: PromptCodec) -> list[int]:
    """Token offsets in the answer where a line starts that does not follow the line copied before it."""
    chosen = set()
    for code in LCSseq.opcodes(window, merged):
        start, end = code.dest_start, code.dest_end
        if code.tag == "equal":
            if start:
                chosen.add(start)
        else:
            chosen.update(range(start, max(end, start + 1)))
    offsets = []
    at = 0
    for index, item in enumerate([*merged, None]):
        if index in chosen:
            offsets.append(at)
        at += 1 if item is None else len(codec.encode_line(item))
    return offsets
