"""The rows and columns of accuracy in the terminal and in the report: (heading, key of the scores)."""

from __future__ import annotations

from typing import Any

ACCURACY_SCORES = (
    ("Byte-exact match", "byte_exact"),
    ("  no-model baseline", "baseline_byte_exact"),
    ("Semantic equivalence", "semantic"),
    ("Tests pass", "tests_pass"),
    ("  no-model baseline", "baseline_tests_pass"),
    ("Right among applied", "applied_right"),
    ("  no-model baseline", "baseline_applied_right"),
    ("Refused", "refused"),
    ("  no-model baseline", "baseline_refused"),
    ("Must or may refuse: rightly", "handled_rightly"),
    ("  no-model baseline", "baseline_handled_rightly"),
    ("Applied with a placeholder left", "leaked_placeholders"),
    ("Applied with a change far from the edit", "changed_elsewhere"),
)
GROUPINGS = ("category", "language", "format", "habit")
GROUP_SCORES = (
    ("byte-exact; 95 %", "byte_exact"),
    ("no-model baseline", "baseline_byte_exact"),
    ("right among applied", "applied_right"),
    ("refused", "refused"),
    ("refusals right", "handled_rightly"),
)


def share(value: dict[str, Any]) -> str:
    """A rate in the width of a column, "93 of 95; 92.7 to 99.4" (per cent); "" where nothing was scored."""
    if not value["n"]:
        return ""
    return f"{value['successes']} of {value['n']}; {100 * value['low']:.1f} to {100 * value['high']:.1f}"
