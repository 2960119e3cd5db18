"""Edits as the judge meets them, and the weights fitted on them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from applier.align.candidates import Reading
from applier.align.ranker import Judge
from applier.types import EditFormat
from training.calibration.ranker import auc, fit_choice, fit_trust, main, report
from training.calibration.ranker_cases import Judged, judge_case
from training.corpus.mine import mine_to_index
from training.synth import SynthCase
from training.synth.case import Expectation

FILE = [f"value_{n} = compute({n})" for n in range(8)]
KEEP = "# ... existing code ..."


def case(edit: list[str], new: list[str], old: list[str] = FILE, **more) -> SynthCase:
    text = "\n".join(edit) + "\n"
    return SynthCase("python", "values.py", old, new, text, edit, EditFormat.LAZY, "", (), **more)


def insertion(at: int) -> SynthCase:
    new = f"other_{at} = value_{at} + 1"
    return case([KEEP, FILE[at - 1], new, FILE[at], KEEP], [*FILE[:at], new, *FILE[at:]])


def test_an_edit_is_judged_as_serving_would_read_it():
    found = judge_case(insertion(3), "one")
    assert found is not None
    best, _ = Judge.default().weigh(found.readings, found.is_sound)
    assert found.is_right(best)
    assert found.is_sound(best.merged)
    open_ended = judge_case(case([*FILE[2:], "last = True"], [*FILE[2:], "last = True"]), "one")
    assert open_ended is not None
    assert len(open_ended.right) > 1
    assert sum(open_ended.right) == 1


def test_a_reading_that_does_not_parse_is_marked():
    file = ["def f():", "    return 1", "", "def g():", "    return 2"]
    found = judge_case(case([KEEP, "def g():", "", KEEP, "    x = (", "    return 2"], file, file), "one")
    assert found is not None
    assert not any(found.sound)


def test_edits_without_a_merge_are_left_out():
    assert judge_case(case(FILE[:3], FILE), "one") is None  # shown already
    refused = case([KEEP, FILE[1], FILE[2], KEEP], FILE, expectation=Expectation.REFUSED)
    assert judge_case(refused, "one") is None


def test_the_fit_finds_what_tells_right_from_wrong():
    rng = np.random.default_rng(0)
    cases = []
    for number in range(200):
        noise = rng.integers(0, 5, 3)
        seams = rng.permutation([0, 2, 3])
        found = [
            Reading([], Counter(seams=int(s), noise=int(n), by_0=1))
            for s, n in zip(seams, noise, strict=True)
        ]
        right = [bool(s == 0) for s in seams]
        cases.append(Judged.of(f"repository {number % 4}", found, right, [True] * 3, [False] * 3))
    choice = fit_choice(cases)
    assert choice["any_seams"] < -1000
    assert abs(choice.get("noise", 0)) < 300
    assert report(cases, Judge(choice, fit_trust(cases)))["chosen"] == 1.0


def test_auc_counts_pairs():
    right = np.array([True, False, True, False])
    assert auc(np.array([3, 2, 1, 0]), right, np.ones(4)) == 0.75
    assert auc(np.array([1, 1, 1, 1]), right, np.ones(4)) == 0.5
    assert auc(np.array([1, 2]), np.array([True, True]), np.ones(2)) == 0.5


def test_the_command_writes_weights_that_the_judge_reads(repository: Path, tmp_path, capsys):
    index, root = tmp_path / "index", repository.parent
    index.mkdir()
    mine_to_index(repository, "sample", index / "sample.jsonl", limit=60, max_commits=100, seed=1)
    out = tmp_path / "weights.json"
    paths = ["--index", str(index), "--check", str(index), "--root", str(root), "--out", str(out)]
    main([*paths, "--share", "1"])
    data = json.loads(out.read_text())
    assert set(data) == {"choice", "trust"}
    assert Judge(data["choice"], data["trust"]).score({"votes": 1}) == sum(
        data["choice"].get(name, 0) for name in ("votes", "any_votes")
    )
    assert '"chosen"' in capsys.readouterr().out


def test_what_changes_far_lines_is_trusted_less():
    """Where a sign comes with as many wrong choices as right ones, it tells more where those reach far."""

    def trust(far: bool) -> int:
        cases = []
        for number in range(240):
            found = Reading([], Counter(by_0=1, seams=number % 2))
            right = number % 4 != 1
            cases += [Judged.of(f"repository {number % 3}", [found], [right], [True], [far and not right])]
        taught = [Reading([], Counter(by_0=1)), Reading([], Counter(by_0=1, doubled=3))]
        cases += [
            Judged.of(f"repository {n}", taught, [True, False], [True] * 2, [False] * 2) for n in range(3)
        ]
        return fit_trust(cases)["seams"]

    assert trust(far=True) < trust(far=False) < 0
