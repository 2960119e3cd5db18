"""Chooses among the readings of an edit, and says how sure the choice is.

Both are linear in the evidence, with integer weights in thousandths of a logit, fitted by
`training.calibration.ranker` on mined edits of training repositories and kept in `weights.json`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from ..text.hunks import elsewhere
from ..text.window import Item
from .candidates import BY, Reading

CAP = 40  # more of one kind of evidence says nothing new
WIDE_CAP = 255
LEAD_CAP = 12_000
LEAD_LOW = 3_000
NEAR = 1_000
CLEAR = 100  # `Window.lead` of an edit that no other place takes
LEAST_ASIDE = 4_500
MAX_CHECKED = 4
MAX_COUNTED = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """The best reading. `odds` are the logarithm of right against wrong, in thousandths."""

    reading: Reading
    odds: int


@dataclass(frozen=True, slots=True)
class Judge:
    """`choice` weighs evidence for one reading against another, `trust` signs that the choice is right."""

    choice: Mapping[str, int]
    trust: Mapping[str, int]
    _points: dict[tuple[str, int], int] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    @cache
    def default() -> Judge:
        """With the weights that come with the package."""
        data = json.loads((resources.files(__package__) / "weights.json").read_text("utf-8"))
        return Judge(data["choice"], data["trust"])

    def score(self, evidence: Mapping[str, int]) -> int:
        """Thousandths of a logit; only differences between readings of one edit mean anything."""
        points, total = self._points, 0
        for name, count in evidence.items():
            one = name, min(count, WIDE_CAP)  # more of it has the same forms
            if one not in points:
                points[one] = sum(
                    value * self.choice.get(form, 0) for form, value in forms(dict([one])).items()
                )
            total += points[one]
        return total

    def choose(
        self,
        readings: Sequence[Reading],
        sound: Callable[[Sequence[Item]], bool] | None = None,
        lead: int = CLEAR,
    ) -> Verdict:
        """The reading with the highest score, of equals the first. There must be one.

        Readings that are not `sound` are left out, where one of the first MAX_CHECKED is. `lead` is that of
        the window.
        """
        best, signs = self.weigh(readings, sound, lead)
        return Verdict(best, sum(self.trust.get(name, 0) * value for name, value in signs.items()))

    def weigh(
        self,
        readings: Sequence[Reading],
        sound: Callable[[Sequence[Item]], bool] | None = None,
        lead: int = CLEAR,
    ) -> tuple[Reading, Counter[str]]:
        """The reading that `choose` takes; its `signs_of_trust`, with how many better ones were `unsound`,
        how near another place for the edit comes (`vague`, 0 to 7), and whether one is as good (`lost`).
        """
        scores = {number: self.score(reading.evidence) for number, reading in enumerate(readings)}
        order = sorted(scores, key=lambda number: (-scores[number], number))
        if sound is not None and len(order) > 1:
            first = next((at for at, n in enumerate(order[:MAX_CHECKED]) if sound(readings[n].merged)), 0)
            order = order[first:]
        left = [readings[number] for number in order]
        signs = signs_of_trust(left, [scores[number] for number in order], 0)
        signs["unsound"] = len(readings) - len(left)
        signs["vague"] = (CLEAR // (1 + lead)).bit_length()
        signs["lost"] = int(lead == 0)
        return left[0], signs


def forms(evidence: Mapping[str, int]) -> dict[str, int]:
    """Every count up to CAP, and besides, but for that of settings, whether there is any (`any_`) and its
    magnitude (`log_`): the first of a kind says more than the tenth.
    """
    out: dict[str, int] = {}
    for name, count in evidence.items():
        out[name] = min(count, CAP)
        if count > 0 and not name.startswith(BY):
            out["any_" + name] = 1
            out["log_" + name] = min(count, WIDE_CAP).bit_length() - 1
    return out


def signs_of_trust(readings: Sequence[Reading], scores: Sequence[int], best: int) -> Counter[str]:
    """What says that the chosen reading is right: its evidence, and how far behind the others are.

    `lead` over the second, in tenths of a logit, and `low_lead`, the same up to LEAD_LOW; `rivals` within
    LEAD_LOW and `near_rivals` within NEAR; `readings` and `only`; `sure`, a one for the constant. Whether the
    chosen one changes lines `elsewhere` than some other one, and how near the best of those comes
    (`elsewhere_near`, `elsewhere_low` up to LEAST_ASIDE).
    """
    others = [score for number, score in enumerate(scores) if number != best]
    lead = min(scores[best] - max(others), LEAD_CAP) if others else LEAD_CAP
    signs = Counter({name: min(count, CAP) for name, count in readings[best].evidence.items()})
    signs["sure"] = 1
    signs["lead"] = lead // 100
    signs["low_lead"] = min(lead, LEAD_LOW) // 100
    signs["rivals"] = sum(scores[best] - score < LEAD_LOW for score in others)
    signs["near_rivals"] = sum(scores[best] - score < NEAR for score in others)
    signs["readings"] = min(len(readings), MAX_COUNTED)
    signs["only"] = int(not others)
    taken = readings[best].hunks
    behind = [scores[best] - scores[at] for at, one in enumerate(readings) if elsewhere(one.hunks, taken)]
    if behind:
        least = max(0, min(behind))
        signs["elsewhere"] = 1
        signs["elsewhere_near"] = max(0, LEAD_CAP - least) // 100
        signs["elsewhere_low"] = max(0, LEAST_ASIDE - least) // 100
    return signs
