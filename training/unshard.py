"""From a shard's samples back to what they were made of: what fits need that learn from texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from applier.languages import language_for_path
from applier.prompt import PromptCodec
from applier.window import Item
from training.shards import read_shard


@dataclass(frozen=True, slots=True)
class Decoded:
    """One sample: `number` in its shard, the window's items, the edit's lines, and the merged window."""

    number: int
    name: str
    language: str | None
    items: list[Item]
    edit: list[str]
    merged: list[Item]


def decode_shard(path: Path, codec: PromptCodec) -> Iterator[Decoded]:
    """The samples of a shard in order. Raises ShardError, and MergedTextError for another vocabulary."""
    samples = read_shard(path)
    ends = np.cumsum(samples.lengths)
    for number, end in enumerate(ends):
        ids = samples.ids[end - samples.lengths[number] : end].astype(int).tolist()
        yield _decode(number, ids, int(samples.prompt_lengths[number]), codec)


def _decode(number: int, ids: list[int], prompt_length: int, codec: PromptCodec) -> Decoded:
    prompt = ids[:prompt_length]
    window, edit = prompt.index(codec.window_id), prompt.index(codec.edit_id)
    end = prompt.index(codec.instruction_id) if codec.instruction_id in prompt else len(prompt) - 1

    def text(start: int, stop: int) -> list[Item]:
        return codec.decode([*prompt[start + 1 : stop], codec.end_id])

    name = "".join(line or "" for line in text(0, window))
    return Decoded(
        number=number,
        name=name,
        language=language_for_path(name),
        items=text(window, edit),
        edit=[line for line in text(edit, end) if line is not None],
        merged=codec.decode(ids[prompt_length:]),
    )
