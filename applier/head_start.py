"""How far ahead of the model's own choice the alignment's proposal starts, in logits.

Alignment and model err in different places, and the alignment's odds say where it is likely to be right: the
surer it is, the stronger the model's objection must be.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeadStart:
    """`bias` + `per_odds` · odds, never below 0; odds as in `baseline.Proposal`, but in logits."""

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
