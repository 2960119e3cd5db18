"""Rates with their intervals, as they stand in a summary."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from evals.metrics import rule_of_three, wilson


class Rate(BaseModel):
    """`successes` of `n` with Wilson's 95 % interval; None where nothing was scored, which is not zero."""

    model_config = ConfigDict(frozen=True)

    successes: int
    n: int
    rate: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.rate is None:
            return "not scored"
        return f"{self.rate:.1%} ({self.successes} of {self.n}; 95 % {self.low:.1%} to {self.high:.1%})"


def rate(flags: Iterable[bool]) -> Rate:
    """The rate of true flags."""
    values = list(flags)
    if not values:
        return Rate(successes=0, n=0, rate=None, low=None, high=None)
    interval = wilson(sum(values), len(values))
    return Rate(
        successes=sum(values),
        n=len(values),
        rate=sum(values) / len(values),
        low=interval.low,
        high=interval.high,
    )


def none_of(n: int) -> str:
    """What zero failures of n says: "0 of 1000, so below 0.30 % with 95 % confidence"."""
    return f"0 of {n}, so below {rule_of_three(n):.2%} with 95 % confidence" if n else "nothing was tried"
