from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from applier import Applier
from evals.cases.rules import LAZY_RULES, RULES, rule_cases
from evals.measure.rules import Answer, run_rules


def test_500_edits_by_rule_give_no_wrong_bytes() -> None:
    counts = run_rules(rule_cases(500, seed=14), Applier.without_model())
    assert [(case.rule, case.format, case.edit.decode()) for case in counts.wrong] == []
    assert {rule for rule, _ in counts.answers} == set(RULES)
    assert counts.total[Answer.RIGHT] >= 0.95 * counts.total.total()


@pytest.mark.parametrize("lazy", [False, True])
def test_equal_seeds_give_equal_cases(lazy: bool) -> None:
    first, second = (list(rule_cases(40, seed=3, lazy=lazy)) for _ in range(2))
    assert first == second
    assert Counter(case.rule for case in first).keys() == (LAZY_RULES if lazy else RULES).keys()
    assert all(case.expected != case.original for case in first)


def test_every_rule_has_answers_and_some_have_none() -> None:
    cases = list(islice(rule_cases(340, seed=1), 340))
    answered = {case.rule for case in cases if case.expected is not None}
    refused = {case.rule for case in cases if case.expected is None}
    assert answered | refused == set(RULES)
    assert {"twins", "near key", "far twin", "section"} <= answered & refused
