"""How edits of the rule generator are answered: right, wrong bytes, or refused, by rule and format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from applier.types import EditOptions, EditRequest, EditResult, Status
from evals.cases.rules import RuleCase
from evals.runs.subjects import Subject

_OPTIONS = EditOptions(syntax_gate=False)


class Answer(StrEnum):
    """What became of a case."""

    RIGHT = "right"
    REFUSED = "refused"  # where there is a right answer
    WRONG = "wrong"  # bytes that are not the right answer, or any where there is none


@dataclass(slots=True)
class RuleCounts:
    """Answers by (rule, format), and the cases that were answered with wrong bytes."""

    answers: dict[tuple[str, str], Counter[Answer]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[RuleCase] = field(default_factory=list)

    @property
    def total(self) -> Counter[Answer]:
        """Over all rules."""
        return sum(self.answers.values(), Counter())


def judge(case: RuleCase, result: EditResult) -> Answer:
    """The answer to one case. That nothing is to be done is wrong where something is."""
    if result.status is Status.REFUSED:
        return Answer.RIGHT if case.expected is None else Answer.REFUSED
    return Answer.RIGHT if result.content == case.expected else Answer.WRONG


def run_rules(cases: Iterable[RuleCase], subject: Subject) -> RuleCounts:
    """Apply every case, without the syntax gate: it would refuse what wrong bytes should show."""
    counts = RuleCounts()
    for case in cases:
        request = EditRequest(case.original, case.edit, case.path, format=case.edit_format, options=_OPTIONS)
        answer = judge(case, subject.apply(request))
        counts.answers[case.rule, case.format][answer] += 1
        if answer is Answer.WRONG:
            counts.wrong.append(case)
    return counts
