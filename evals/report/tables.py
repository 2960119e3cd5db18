"""The rows and columns of accuracy in the terminal and in the report: (heading, key of the scores)."""

from __future__ import annotations

from typing import Any

from evals.measure.rates import Rate, none_of

ACCURACY_SCORES = (
    ("Byte-exact match", "byte_exact"),
    ("  whatever the confidence", "merged_byte_exact"),
    ("  no-model baseline", "baseline_byte_exact"),
    ("Semantic equivalence", "semantic"),
    ("Tests pass", "tests_pass"),
    ("  no-model baseline", "baseline_tests_pass"),
    ("Right among applied", "applied_right"),
    ("Right among applied and already applied", "answered_right"),
    ("  no-model baseline", "baseline_answered_right"),
    ("Refused", "refused"),
    ("  no-model baseline", "baseline_refused"),
    ("Must or may refuse: rightly", "handled_rightly"),
    ("  no-model baseline", "baseline_handled_rightly"),
    ("Applied with a placeholder left", "leaked_placeholders"),
    ("Applied with a change far from the edit", "changed_elsewhere"),
)
FAILURES = ("leaked_placeholders", "changed_elsewhere")
GROUPINGS = ("category", "language", "format", "habit")
GROUP_SCORES = (
    ("byte-exact; 95 %", "byte_exact"),
    ("no-model baseline", "baseline_byte_exact"),
    ("right among applied", "applied_right"),
    ("refused", "refused"),
    ("refusals right", "handled_rightly"),
)


def score_rows(scores: dict[str, Any]) -> list[tuple[str, str]]:
    """(heading, value) of every score that was taken; where nothing failed, the bound on it is stated."""
    rows = []
    for heading, key in ACCURACY_SCORES:
        rate = Rate.model_validate(scores[key])
        if rate.n:
            none_failed = key in FAILURES and not rate.successes
            rows.append((heading, none_of(rate.n) if none_failed else str(rate)))
    return rows


def group_rows(groups: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """(headings, rows) of a grouping, the largest group first; columns in which nothing was scored are left
    out.
    """
    ordered = sorted(groups.items(), key=lambda item: (-_size(item[1]), item[0]))
    used = [(heading, key) for heading, key in GROUP_SCORES if any(group[key]["n"] for _, group in ordered)]
    rows = [[name, *(share(group[key]) for _, key in used)] for name, group in ordered]
    return [heading for heading, _ in used], rows


def _size(group: dict[str, Any]) -> int:
    return int(group["byte_exact"]["n"] + group["handled_rightly"]["n"])


def share(value: dict[str, Any]) -> str:
    """A rate in the width of a column, "93 of 95; 92.7 to 99.4" (per cent); "" where nothing was scored."""
    if not value["n"]:
        return ""
    return f"{value['successes']} of {value['n']}; {100 * value['low']:.1f} to {100 * value['high']:.1f}"
