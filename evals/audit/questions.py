"""The questions a buyer of inference should ask about determinism, answered from what the audit saw."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from evals.audit import conditions
from evals.audit.evidence import Condition, Evidence
from evals.audit.verdict import Finding, Verdicts
from evals.metrics import rule_of_three
from evals.runs.provenance import UNKNOWN


@dataclass(frozen=True, slots=True)
class Answer:
    """`answer` is yes, no, or not tested; `evidence` is the count behind it."""

    question: str
    answer: str
    evidence: str


def _steady(found: list[Condition]) -> tuple[str, str]:
    n, mismatches = sum(c.compared for c in found), sum(c.mismatches for c in found)
    if not n:
        return "not tested", "no such request was answered"
    if mismatches:
        return "no", f"{mismatches} of {n} differed"
    return "yes", f"0 of {n} differed; above {rule_of_three(n):.2%} is excluded (95 %)"


def answers(evidence: Evidence, verdicts: Verdicts) -> list[Answer]:
    """All questions in a fixed order."""
    by_name = evidence.conditions

    def having(prefix: str) -> list[Condition]:
        return [condition for name, condition in by_name.items() if name.startswith(prefix)]

    result = [
        Answer(
            "Does an identical greedy request give identical bytes on an idle server?",
            *_steady(having("alone")),
        ),
        Answer("And with identical requests in flight beside it?", *_steady(having("concurrency"))),
        Answer("And amid different traffic?", *_steady(having("amid"))),
        Answer("And whatever the length of its neighbours?", *_steady(having("beside"))),
        Answer(
            "Is the answer the same when its prefix is already cached?",
            *_steady(having(conditions.CACHE_COLD)),
        ),
    ]
    probe = verdicts.sampler
    honoured = {Finding.FOUND: "no", Finding.SUSPECTED: "unclear", Finding.NOT_FOUND: "yes"}.get(
        probe.finding, "not tested"
    )
    if probe.finding is Finding.NOT_FOUND and evidence.other_seed_outputs == 1:
        honoured = "unclear"
    result.append(Answer("Is the seed honoured when sampling?", honoured, "; ".join(probe.reasons)))
    misrouted = sum(condition.misrouted for condition in by_name.values())
    total = sum(condition.compared for condition in by_name.values())
    result.append(
        Answer(
            "Does every reply answer its own request?",
            "no" if misrouted else "yes",
            f"{misrouted} of {total} replies were another request's answer",
        )
    )
    result += [_fingerprint(evidence), _contract(evidence), _replay(evidence)]
    positions = sorted(position for condition in by_name.values() for position in condition.divergences)
    where = (
        f"first at {evidence.unit} {positions[0]}, median {median(positions):g}" if positions else "nowhere"
    )
    result.append(
        Answer("Where do answers part?", where, f"{len(positions)} divergent replies; positions from 0")
    )
    return result


def _fingerprint(evidence: Evidence) -> Answer:
    question = "Is a fingerprint given, and did it stay the same?"
    if UNKNOWN in evidence.fingerprints:
        return Answer(question, "no", "replies came without a fingerprint")
    if len(evidence.fingerprints) > 1:
        return Answer(
            question,
            "no",
            f"{len(evidence.fingerprints)} fingerprints, {evidence.fingerprint_changes} changes",
        )
    return Answer(question, "yes", evidence.fingerprints[0])


def _contract(evidence: Evidence) -> Answer:
    question = "Does an equal fingerprint mean an equal answer?"
    if evidence.fingerprints == [UNKNOWN]:
        return Answer(question, "not tested", "there is no fingerprint")
    greedy = [c for name, c in evidence.conditions.items() if name != conditions.SAMPLED]
    n, mismatches = sum(c.compared for c in greedy), sum(c.mismatches for c in greedy)
    seen = f"{mismatches} of {n} greedy answers differed from another under the same fingerprint"
    return Answer(question, "no" if mismatches else "yes", seen)


def _replay(evidence: Evidence) -> Answer:
    question = "Does a reply carry a receipt by which anyone can check it later?"
    return Answer(question, "yes" if evidence.receipts else "no", "request, result and fingerprint digests")
