from collections import Counter

from applier.align.candidates import Reading
from applier.align.ranker import CAP, LEAD_CAP, Judge, signs_of_trust
from applier.text.hunks import Hunk


def reading(**evidence: int) -> Reading:
    return Reading([], Counter(evidence))


def test_the_highest_score_wins_and_of_equals_the_first():
    judge = Judge({"seams": -1000, "votes": 10}, {})
    seamless, other, equal = reading(votes=1), reading(seams=1, votes=9), reading(votes=1)
    assert judge.choose([other, seamless, equal]).reading is seamless
    assert judge.choose([other]).reading is other


def test_one_kind_of_evidence_counts_up_to_a_cap():
    judge = Judge({"deleted": -2}, {})
    assert judge.score({"deleted": CAP + 5}) == judge.score({"deleted": CAP}) == -2 * CAP


def test_the_first_of_a_kind_and_its_magnitude_can_weigh_apart():
    judge = Judge({"any_deleted": -7, "log_deleted": -100}, {})
    assert [judge.score({"deleted": count}) for count in (0, 1, 3, 4, 1000)] == [0, -7, -107, -207, -707]
    assert judge.score({"by_0": 1}) == 0


def test_odds_grow_with_the_lead():
    judge = Judge({"seams": -1000}, {"lead": 5, "sure": 7})
    close = judge.choose([reading(), reading(seams=1)])
    far = judge.choose([reading(), reading(seams=3)])
    assert (close.odds, far.odds) == (5 * 10 + 7, 5 * 30 + 7)
    only = signs_of_trust([reading()], [0], 0)
    assert (only["only"], only["lead"]) == (1, LEAD_CAP // 100)
    rivals = signs_of_trust([reading()] * 4, [0, -500, -2_000, -9_000], 0)
    assert (rivals["near_rivals"], rivals["rivals"]) == (1, 2)


def test_an_unsound_reading_gives_way_to_a_sound_one():
    judge = Judge({"seams": -1000}, {"lead": 1})
    found = [Reading([str(n)], Counter(seams=n)) for n in range(8)]
    assert judge.choose(found, lambda merged: merged == ["2"]).reading is found[2]
    assert judge.choose(found, lambda merged: merged == ["2"]).odds == 10
    assert judge.choose(found, lambda merged: False).reading is found[0]
    assert judge.choose(found, lambda merged: merged == ["7"]).reading is found[0]


def test_the_weights_of_the_package_are_integers_and_reward_clean_merges():
    judge = Judge.default()
    assert all(isinstance(weight, int) for weight in [*judge.choice.values(), *judge.trust.values()])
    assert judge.choice["seams"] < 0
    assert judge.choice["unbalanced"] < 0
    assert judge.trust["sure"]


def test_trust_hears_of_readings_that_leave_changed_lines_alone():
    def reading(seams: int, *places: tuple[int, int]) -> Reading:
        hunks = tuple(Hunk(start, end, start, end) for start, end in places)
        return Reading([str(seams)], Counter(seams=seams), hunks)

    judge = Judge({"seams": -1000}, {})
    here = reading(0, (10, 14), (30, 32))
    inside, aside, away = reading(1, (12, 13), (31, 40)), reading(2, (12, 13)), reading(3, (90, 91))
    _, signs = judge.weigh([here, inside, aside, away], lead=0)
    assert (signs["lost"], signs["vague"]) == (1, 7)
    assert (signs["elsewhere"], signs["elsewhere_near"], signs["elsewhere_low"]) == (1, 100, 25)
    _, signs = judge.weigh([here, inside, away])
    assert (signs["elsewhere"], signs["elsewhere_near"], signs["elsewhere_low"]) == (1, 90, 15)
    _, signs = judge.weigh([here, inside, reading(1, (10, 14), (30, 32), (90, 91))])
    assert not any(signs[name] for name in ("lost", "vague", "elsewhere", "elsewhere_near", "elsewhere_low"))
