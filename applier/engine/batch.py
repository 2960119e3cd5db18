"""One ragged pass of the model over the parts of many merges."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np

from applier.merge.task import FIRST_ROWS, LAUNCH_ROWS, Ask, MergeTask
from kernels.arrays import as_numpy
from kernels.model import Hidden, Model, Segment

MOST_LOGITS = 1 << 24  # of one product on a GPU: 64 MiB


class Part(NamedTuple):
    """The tokens with which one merge takes part in a pass."""

    task: MergeTask
    tokens: list[int]


def run_pass(model: Model, parts: Sequence[Part]) -> list[Exception | None]:
    """Runs the pass and lets every merge take its rows; what `MergeTask.receive` raised, by merge.

    Raises what `Model.forward` raises; then no merge has changed.
    """
    segments, starts = [], []
    for task, tokens in parts:
        assert task.cache is not None
        starts.append(task.cache.length)
        segments.append(Segment(task.cache, np.array(tokens, np.int64)))
    hidden = model.forward(segments)
    errors: list[Exception | None] = [None] * len(parts)
    answers: dict[int, np.ndarray | None] = dict.fromkeys(range(len(parts)))
    first_rows = FIRST_ROWS if model.device == "cpu" else LAUNCH_ROWS
    talks = [
        task.receive(len(tokens), start, first_rows)
        for (task, tokens), start in zip(parts, starts, strict=True)
    ]
    firsts = np.cumsum([0, *(len(part.tokens) for part in parts)])
    while answers:
        asks: dict[int, Ask] = {}
        for number, answer in answers.items():
            try:
                asks[number] = _next(talks[number], answer)
            except StopIteration:
                pass
            except Exception as error:
                errors[number] = error
        found = score(model, hidden, [(int(firsts[number]), ask) for number, ask in asks.items()])
        answers = dict(zip(asks, found, strict=True))
    return errors


def _next(talk: Generator[Ask, np.ndarray, None], answer: np.ndarray | None) -> Ask:
    return next(talk) if answer is None else talk.send(answer)


def score(model: Model, hidden: Hidden, asks: Sequence[tuple[int, Ask]]) -> list[np.ndarray]:
    """The logits of every ask, float32 [rows, ids] in main memory. `asks` are (first row of the part, ask).

    On a CPU each ask is a product of its own, so that nothing is computed needlessly. On a GPU, where a
    launch and a copy cost more than a product, asks are joined: all their rows by the union of their ids.
    """
    out: list[np.ndarray] = [np.empty(0, np.float32)] * len(asks)
    for group in _groups(asks, 1 if model.device == "cpu" else MOST_LOGITS):
        rows = np.concatenate([first + ask.rows for first, ask in (asks[number] for number in group)])
        ids = _union([asks[number][1] for number in group])
        values = as_numpy(model.logits(hidden, rows, ids))
        low = 0
        for number in group:
            ask = asks[number][1]
            part = values[low : low + len(ask.rows)]
            low += len(ask.rows)
            if ids is not None and ask.ids is not None and len(ids) != len(ask.ids):
                part = part[:, np.searchsorted(ids, ask.ids)]
            out[number] = part
    return out


def _groups(asks: Sequence[tuple[int, Ask]], most: int) -> list[list[int]]:
    """Numbers of asks that are answered together: with ids, and at most about `most` logits."""
    groups: list[list[int]] = []
    rows = ids = 0
    for number, (_, ask) in enumerate(asks):
        if ask.ids is None:
            groups.append([number])
            rows, ids = 0, most
            continue
        rows, ids = rows + len(ask.rows), ids + len(ask.ids)
        if groups and rows * ids <= most:
            groups[-1].append(number)
        else:
            groups.append([number])
            rows, ids = len(ask.rows), len(ask.ids)
    return groups


def _union(asks: Sequence[Ask]) -> np.ndarray | None:
    if len(asks) == 1 or asks[0].ids is None:
        return asks[0].ids
    return np.unique(np.concatenate([ask.ids for ask in asks if ask.ids is not None]))
