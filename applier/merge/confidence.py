"""From the signals of a merge to one number: how probable it is that the merge is right.

The signals are the smallest margin over the model's decisions, the odds of the alignment's proposal, whether
the merge is that proposal or takes the place of what the model wrote, and whether every new line of the edit
arrived. A calibration (fitted on edits that nothing was trained on, in the model's manifest) adds them up to
a strength and maps that to a probability for each kind of merge; it is evaluated with `+ - * /` alone, so
that every machine finds the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

Knots = tuple[tuple[float, float], ...]  # (strength, probability), strengths ascending
STRENGTH = "strength"  # the calibration's key that is no kind
STRENGTH_WEIGHTS = frozenset({"margin", "odds", "most", "own"})


class Kind(StrEnum):
    """What else speaks for or against a merge."""

    AGREES = "agrees"  # the baseline's proposal is the same
    DIFFERS = "differs"
    INCOMPLETE = "incomplete"  # a new line of the edit is missing
    FALLBACK = "fallback"  # the baseline's proposal, as what the model wrote cannot be used; margin 0


@dataclass(frozen=True, slots=True)
class Signal:
    """What speaks for one merge. `odds` are those of `propose.Proposal`, in thousandths of a logit; `start`
    is the proposal's head start, which `margin` holds.
    """

    margin: float
    kind: Kind
    odds: int = 0
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class Strength:
    """margin · `margin` + the model's own margin, without the head start, · `own` + odds in logits · `odds`.

    Margins above `most` count as `most`, and those below -`most`, where the model alone would have written
    something else by far, as -`most`.
    """

    margin: float = 1.0
    odds: float = 0.0
    most: float | None = None
    own: float = 0.0

    def of(self, signal: Signal) -> float:
        """The strength of a merge; infinite for an infinite margin without `most`."""
        strength = self.odds * signal.odds / 1000.0
        if self.margin:
            strength = self.margin * self._capped(signal.margin) + strength
        if self.own:
            strength = self.own * self._capped(signal.margin - signal.start) + strength
        return strength

    def _capped(self, margin: float) -> float:
        return margin if self.most is None else max(-self.most, min(margin, self.most))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities by strength, interpolated linearly between knots and constant outside."""

    tables: Mapping[Kind, Knots]
    strength: Strength = Strength()

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Calibration:
        """Knots for each kind, and under STRENGTH its weights; without them, the strength is the margin.
        Without knots of FALLBACK, fitted before there was one, nothing speaks for it: probability 0.

        Raises ValueError on an unknown kind, a missing one, knots that do not ascend within 0 … 1, or unknown
        or negative weights.
        """
        weights = dict(data.get(STRENGTH) or {})
        if set(weights) - STRENGTH_WEIGHTS or any((v or 0.0) < 0 for v in weights.values()):
            raise ValueError(
                f"the weights of a strength are {sorted(STRENGTH_WEIGHTS)}, none negative: {weights}"
            )
        knots_of: Mapping[str, Sequence[Sequence[float]]] = {k: v for k, v in data.items() if k != STRENGTH}
        tables: dict[Kind, Knots] = {Kind.FALLBACK: ((0.0, 0.0),)}
        tables |= {
            Kind(name): tuple((float(m), float(p)) for m, p in rows) for name, rows in knots_of.items()
        }
        for kind in Kind:
            knots = tables.get(kind, ())
            ascending = all(a[0] < b[0] for a, b in pairwise(knots))
            if not knots or not ascending or not all(0 <= p <= 1 for _, p in knots):
                raise ValueError(
                    f"the calibration of {kind.value!r} needs ascending strengths and probabilities"
                )
        return Calibration(tables, Strength(**weights))

    def as_dict(self) -> dict[str, Any]:
        """Every number as its hexadecimal text: what a fingerprint is made of."""
        most = self.strength.most
        strength = self.strength
        weights = [strength.margin.hex(), strength.odds.hex(), None if most is None else most.hex()]
        weights += [strength.own.hex()] if strength.own else []
        knots: dict[str, Any] = {
            kind.value: [[m.hex(), p.hex()] for m, p in rows] for kind, rows in self.tables.items()
        }
        return knots if strength == Strength() else {**knots, STRENGTH: weights}

    def confidence(self, signal: Signal) -> float:
        """The probability, 0 to 1."""
        strength, knots = self.strength.of(signal), self.tables[signal.kind]
        if strength >= knots[-1][0]:
            return knots[-1][1]
        below = knots[0]
        if strength <= below[0]:
            return below[1]
        for above in knots[1:]:
            if strength < above[0]:
                share = (strength - below[0]) / (above[0] - below[0])
                return below[1] + share * (above[1] - below[1])
            below = above
        return below[1]


def uncalibrated(signal: Signal) -> float:
    """margin / (1 + margin), halved for a merge that is incomplete: an order, not a probability."""
    value = 1.0 if signal.margin == float("inf") else signal.margin / (1.0 + signal.margin)
    return value / 2.0 if signal.kind is Kind.INCOMPLETE else value


@dataclass(frozen=True, slots=True)
class HeadStart:
    """`bias` + `per_odds` · odds, never below 0; odds as in `propose.Proposal`, but in logits."""

    bias: float = 0.0
    per_odds: float = 0.0

    def of(self, odds: int) -> float:
        """The head start of a proposal with these odds, in thousandths of a logit: `+ * /` alone."""
        return max(0.0, self.bias + self.per_odds * odds / 1000.0)

    def as_dict(self) -> dict[str, str]:
        """Both numbers as hexadecimal text: what a fingerprint is made of."""
        return {"bias": self.bias.hex(), "per_odds": self.per_odds.hex()}


NONE = HeadStart()
ENDLESS = HeadStart(1e30)  # no margin overcomes it: the model writes the alignment's proposal
