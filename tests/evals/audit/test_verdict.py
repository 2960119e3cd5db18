import math

import pytest

from evals.audit import conditions
from evals.audit.evidence import gather
from evals.audit.verdict import Finding, fisher_greater, judge


def sample(wave, condition, sha, group=conditions.AUDITED, fingerprint="fp", concurrency=1, **more):
    return {
        "key": f"{wave}:0",
        "wave": wave,
        "condition": condition,
        "group": group,
        "concurrency": concurrency,
        "seed": None,
        "sha256": sha,
        "fingerprint": fingerprint,
        "digest": None,
        "receipt": False,
        "unit": "token",
        "output": list(sha),
    } | more


def test_fisher_against_the_lady_tasting_tea():
    # Fisher (1935): all 4 of 4 by chance, 1 in 70; at least 3 of 4, 17 in 70.
    assert fisher_greater(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher_greater(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert fisher_greater(0, 5, 0, 5) == 1.0


def test_one_difference_under_load_is_a_suspicion_and_many_are_a_finding():
    alone = [sample(i, conditions.ALONE, "aa") for i in range(20)]
    loaded = [sample(20 + i, "concurrency 8", "aa") for i in range(99)]
    once = judge(gather([*alone, *loaded, sample(200, "concurrency 8", "ab")]))
    assert once.batch.finding is Finding.SUSPECTED
    often = judge(
        gather([*alone, *loaded[:20], *(sample(200 + i, "concurrency 8", "ab") for i in range(20))])
    )
    assert often.batch.finding is Finding.FOUND
    assert often.backend.finding is Finding.NOT_FOUND


def test_nothing_seen_is_stated_with_its_bound():
    verdicts = judge(gather([sample(i, conditions.ALONE, "aa") for i in range(300)]))
    assert "0 of 300: a rate above 1.00%" in verdicts.backend.reasons[0]
    assert verdicts.batch.finding is Finding.NOT_TESTED
    assert verdicts.sampler.finding is Finding.NOT_TESTED


def test_outputs_are_compared_only_under_one_fingerprint():
    samples = [sample(i, conditions.ALONE, "aa", fingerprint="one") for i in range(5)]
    samples += [sample(5 + i, "concurrency 2", "bb", fingerprint="two") for i in range(5)]
    samples += [sample(10 + i, conditions.ALONE_AGAIN, "bb", fingerprint="two") for i in range(5)]
    evidence = gather(samples)
    verdicts = judge(evidence)
    assert verdicts.batch.finding is Finding.NOT_FOUND
    assert verdicts.noise_floor == 0
    assert verdicts.backend.finding is Finding.FOUND
    assert evidence.fingerprint_changes == 1


def test_divergence_positions_are_from_the_answer_given_alone():
    samples = [sample(i, conditions.ALONE, "abcd") for i in range(3)] + [sample(9, "concurrency 2", "abXd")]
    assert gather(samples).conditions["concurrency 2"].divergences == [2]


def test_other_logits_behind_equal_outputs_are_found():
    samples = [sample(i, conditions.ALONE, "aa", digest="one") for i in range(19)]
    steady = [sample(20 + i, "concurrency 2", "aa", digest="one") for i in range(9)]
    assert judge(gather([*samples, *steady])).batch.finding is Finding.NOT_FOUND
    drifting = [sample(40 + i, "concurrency 4", "aa", digest="two") for i in range(20)]
    verdict = judge(gather([*samples, *steady, *drifting])).batch
    assert verdict.finding is Finding.FOUND
    assert "concurrency 4: 20 of 20 with other logits" in verdict.reasons


def test_no_answers_is_no_verdict():
    with pytest.raises(ValueError, match="answered none of 1 requests"):
        gather([{"key": "0:0", "wave": 0, "condition": "alone", "error": "ConnectError: refused"}])
    with pytest.raises(ValueError, match="answers given alone"):
        judge(gather([sample(0, "concurrency 2", "a")]))
    assert math.isclose(judge(gather([sample(0, conditions.ALONE, "a")])).noise_floor, 0)


class Words:
    """Payloads that are words."""

    def audited(self):
        return "audited"

    def traffic(self, index):
        return f"traffic {index}"

    def neighbour(self, long, index):
        return f"{'long' if long else 'short'} {index}"

    def fresh(self, index):
        return f"fresh {index}"


def test_the_plan_asks_the_audited_request_as_often_as_wanted():
    for identical, concurrencies in ((0, (2, 4)), (1000, (2, 8, 32)), (1000, (64, 256)), (10, (2,))):
        waves = list(conditions.plan(Words(), 10, concurrencies, samples=True, identical=identical))
        asked = [w for wave in waves for w in wave if w.group == conditions.AUDITED]
        least = max(identical, 6 * 10 + 10 * len(concurrencies))
        assert least <= len(asked) < least + 2 * max(concurrencies)
        assert {w.ask.payload for w in asked} == {"audited"}
        mixed = [wave for wave in waves if len({w.ask.payload for w in wave}) > 1]
        assert max(map(len, mixed)) == min(max(concurrencies), conditions.MOST_COMPANY)


def test_identical_requests_are_counted_over_all_conditions():
    samples = [sample(i, conditions.ALONE, "aa", digest="x") for i in range(3)]
    samples += [sample(5 + i, "concurrency 2", "aa", digest="y") for i in range(4)]
    samples += [sample(20, "beside long neighbours", "zz", group="beside long neighbours 0")]
    identical = gather(samples).identical
    assert (identical.n, identical.distinct, identical.distinct_digests) == (7, 1, 2)
