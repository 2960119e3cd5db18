"""Metrics under their published names; every function is a pure function of its arguments.

None of them depends on the order in which runs were made: permuting the runs of an item, or the items, gives
the same floating-point bits.
"""

from evals.metrics.agreement import distinct_outputs, exact_match, exact_match_rate, tar_a, tar_r
from evals.metrics.divergence import div_index, divergence_positions, first_divergence, token_agreement
from evals.metrics.intervals import Interval, rule_of_three, wilson
from evals.metrics.selective import RiskPoint, coverage_risk
from evals.metrics.semantic import semantically_equal
from evals.metrics.side_effects import changed_elsewhere, leaked_placeholders
from evals.metrics.spread import avg_std_output_length, sample_std, std_acc
from evals.metrics.stability import EditStability, edit_stability, normalise_whitespace

__all__ = [
    "EditStability",
    "Interval",
    "RiskPoint",
    "avg_std_output_length",
    "changed_elsewhere",
    "coverage_risk",
    "distinct_outputs",
    "div_index",
    "divergence_positions",
    "edit_stability",
    "exact_match",
    "exact_match_rate",
    "first_divergence",
    "leaked_placeholders",
    "normalise_whitespace",
    "rule_of_three",
    "sample_std",
    "semantically_equal",
    "std_acc",
    "tar_a",
    "tar_r",
    "token_agreement",
    "wilson",
]
