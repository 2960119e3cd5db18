"""Spread of scores over configurations: Std@Acc and Avg_Std@Output_Length (arXiv 2506.09501).

Both use the sample standard deviation (divisor n - 1).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def sample_std(values: Sequence[float]) -> float:
    """Sample standard deviation; `statistics` sums exact fractions, so the order of the values does not
    matter.

    Raises ValueError for fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("a sample standard deviation needs at least two values")
    return statistics.stdev(values)


def std_acc(accuracies: Sequence[float]) -> float:
    """Std@Acc: sample standard deviation of the accuracy over runs or configurations, one value each."""
    return sample_std(accuracies)


def avg_std_output_length(lengths: Sequence[Sequence[int]]) -> float:
    """Avg_Std@Output_Length: the standard deviation of the output length over runs, averaged over items.

    `lengths[item][run]` is in tokens where the target has tokens and in bytes otherwise; the caller says
    which. Raises ValueError for no items or fewer than two runs.
    """
    if not lengths:
        raise ValueError("Avg_Std@Output_Length needs at least one item")
    return math.fsum(sample_std([float(n) for n in runs]) for runs in lengths) / len(lengths)
