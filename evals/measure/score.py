"""Score one result against its case."""

from __future__ import annotations

from enum import StrEnum

from applier.types import EditResult, Status
from evals.cases import Case


class Outcome(StrEnum):
    """What a case came to. Only `WRONG` has put something into a file that should not be there."""

    EXACT = "exact"
    WRONG = "wrong"
    REFUSED = "refused"
    REFUSED_RIGHTLY = "refused_rightly"
    REFUSED_OTHERWISE = "refused_otherwise"
    UNSCORED = "unscored"


def score(case: Case, result: EditResult) -> Outcome:
    """The outcome of `result` for `case`.

    A refusal is right where the case names its reason (and, where the case asks for it, it names the edit's
    line); it is REFUSED_OTHERWISE where the case wanted a refusal for another reason, and REFUSED where it
    wanted the edit applied. A refusal that changed the file is WRONG.
    """
    if result.status is Status.REFUSED or result.refusal is not None:
        if result.content != case.original or result.refusal is None:
            return Outcome.WRONG
        named = result.refusal.edit_line is not None or not case.needs_edit_line
        if result.refusal.reason in case.refusals:
            return Outcome.REFUSED_RIGHTLY if named else Outcome.REFUSED_OTHERWISE
        return Outcome.REFUSED_OTHERWISE if case.expected is None else Outcome.REFUSED
    if case.expected is None or result.content != case.expected or not case.allows_tier(result.tier):
        return Outcome.WRONG
    return Outcome.EXACT
