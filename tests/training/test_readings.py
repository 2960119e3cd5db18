"""Shards read back, and the weights fitted on what they hold."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from applier.alignment.judge import Judge
from applier.alignment.readings import Reading
from applier.window import GAP
from tests.applier.tiny import codec, tokenizer_json
from training.readings import Judged, auc, fit_choice, fit_trust, judged, main, report
from training.shards import Sample, Samples, write_shard
from training.unshard import decode_shard

FILE = [f"value_{n} = compute({n})" for n in range(8)]
KEEP = "# ... existing code ..."


def sample(edit: list[str], merged: list[str | None], items=FILE, instruction: str = "") -> Sample:
    prompt = codec().build_prompt(items, edit, instruction, "folder/values.py")
    return Sample([*prompt, *codec().build_answer(merged)], len(prompt), [])


def insertion(at: int) -> Sample:
    new = f"other_{at} = value_{at} + 1"
    return sample([KEEP, FILE[at - 1], new, FILE[at], KEEP], [*FILE[:at], new, *FILE[at:]])


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    block = ["<<<<<<< SEARCH", "value_1 = 1", "=======", "value_1 = 2", ">>>>>>> REPLACE"]
    wrong = sample([KEEP, FILE[1], FILE[2], KEEP], [*FILE, "never = 'read so'"])
    open_ended = sample(FILE[2:], FILE)
    samples = [*(insertion(at) for at in range(1, 8)), sample(block, FILE), open_ended, wrong]
    write_shard(folder / "values.xz", Samples.of(samples))
    return folder


def test_a_sample_is_read_back_as_it_was_made(tmp_path):
    items = [GAP, *FILE[2:4], GAP]
    merged = [GAP, FILE[2], "é = '<|im_start|>'", FILE[3], GAP]
    made = sample([FILE[2], "", merged[2]], merged, items, "rename\nit")
    write_shard(tmp_path / "one.xz", Samples.of([insertion(3), made]))
    found = list(decode_shard(tmp_path / "one.xz", codec()))[1]
    assert (found.number, found.name, found.language) == (1, "values.py", "python")
    assert (found.items, found.edit, found.merged) == (items, [FILE[2], "", merged[2]], merged)


def test_hard_edits_are_all_taken_and_easy_ones_stand_for_their_share(shards):
    cases = list(judged([shards / "values.xz"], codec(), share=3))
    assert [case.weight for case in cases] == [3.0, 3.0, 1.0]  # of eight and one; the block is not lazy
    assert all(any(case.right) for case in cases[:2])
    assert not any(cases[2].right)


def test_the_fit_finds_what_tells_right_from_wrong():
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(200):
        noise = rng.integers(0, 5, 3)
        seams = rng.permutation([0, 2, 3])
        found = [
            Reading([], Counter(seams=int(s), noise=int(n), by_0=1))
            for s, n in zip(seams, noise, strict=True)
        ]
        cases.append(Judged(tuple(found), tuple(bool(s == 0) for s in seams), 1.0))
    choice = fit_choice(cases)
    assert choice["seams"] < -1000
    assert abs(choice.get("noise", 0)) < 300
    judge = Judge(choice, fit_trust(cases, choice))
    assert report(cases, judge)["chosen"] == 1.0


def test_auc_counts_pairs():
    right = np.array([True, False, True, False])
    assert auc(np.array([3, 2, 1, 0]), right, np.ones(4)) == 0.75
    assert auc(np.array([1, 1, 1, 1]), right, np.ones(4)) == 0.5
    assert auc(np.array([1, 2]), np.array([True, True]), np.ones(2)) == 0.5


def test_the_command_writes_weights_that_the_judge_reads(shards, tmp_path, capsys):
    (tmp_path / "tokenizer.json").write_text(tokenizer_json())
    out = tmp_path / "weights.json"
    paths = ["--shards", str(shards), "--check", str(shards), "--out", str(out)]
    main([*paths, "--tokenizer", str(tmp_path / "tokenizer.json"), "--share", "1"])
    data = json.loads(out.read_text())
    assert set(data) == {"choice", "trust"}
    assert Judge(data["choice"], data["trust"]).score({"votes": 1}) == data["choice"].get("votes", 0)
    assert '"chosen": 0.888' in capsys.readouterr().out
