"""Gradient-boosted trees in integers: a score of integer features, the same on every machine.

Trees are fitted by LightGBM (`training.calibration.segment_ranker`), whose thresholds between integers are
rounded down and whose leaves are rounded to thousandths of a logit, so that evaluating them adds integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Trees:
    """Nodes of all trees in one row of arrays. A node asks whether feature `feature` is at most `threshold`
    and goes on at `left`, else at `right`; below zero, a child is leaf ~child of `values`.

    `names` [features]; `roots` int32 [trees]; `feature`, `threshold`, `left`, `right` int32 [nodes]; `values`
    int64 [leaves], thousandths of a logit.
    """

    names: tuple[str, ...]
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray

    @staticmethod
    def from_json(data: Mapping[str, Sequence[int] | Sequence[str]]) -> Trees:
        """From the lists that `training.calibration.segment_ranker` writes."""
        arrays = {
            name: np.array(data[name], np.int64 if name == "values" else np.int32)
            for name in ("roots", "feature", "threshold", "left", "right", "values")
        }
        return Trees(names=tuple(map(str, data["names"])), **arrays)

    def score(self, rows: Sequence[Mapping[str, int]]) -> list[int]:
        """The score of every row of features, in thousandths of a logit."""
        if not rows:
            return []
        table = np.array([[row[name] for name in self.names] for row in rows], np.int64)
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        row_of = np.broadcast_to(np.arange(len(rows))[:, None], at.shape)
        inner = at >= 0
        while inner.any():
            node, row = at[inner], row_of[inner]
            goes_left = table[row, self.feature[node]] <= self.threshold[node]
            at[inner] = np.where(goes_left, self.left[node], self.right[node])
            inner = at >= 0
        total: list[int] = self.values[~at].sum(axis=1).tolist()
        return total
