import json
import subprocess
import tomllib
from importlib import resources

import pytest

from evals.cases import Category, case_to_json
from evals.cases.case import case_from_json
from evals.cases.habits import HABITS
from evals.cases.heldout import Manifest, Repository, load_heldout, load_manifest
from evals.cases.written import save_file
from evals.runs.select import limit_cases, load_cases
from training.corpus.git import GitError
from training.synth.generate import FORMATS

BEFORE = (
    "".join(f"def step_{i}(x):\n    y = x + {i}\n    return y * {i + 1}\n\n\n" for i in range(12)).rstrip(
        "\n"
    )
    + "\n"
)
ENV = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z"}
ENV |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in ENV.items()}


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(command, env=ENV, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(params=[b"\n", b"\r\n"], ids=["lf", "crlf"])
def clone(tmp_path, request):
    folder = tmp_path / "roots" / "someone+steps"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for turn in range(6):
        text = BEFORE.replace(f"x + {turn}\n", f"x - {turn}\n    y = abs(y)\n") if turn else BEFORE
        (folder / "steps.py").write_bytes(text.encode().replace(b"\n", request.param))
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"turn {turn}")
    return tmp_path / "roots", git(folder, "rev-parse", "HEAD"), request.param


def test_mining_gives_the_true_commit_and_is_a_function_of_the_manifest(clone):
    roots, commit, end = clone
    manifest = Manifest(7, (Repository("someone/steps", commit, 4),))
    cases = list(load_heldout([roots], manifest))
    assert cases == list(load_heldout([roots], manifest))
    assert 1 <= len(cases) <= 4
    for case in cases:
        assert case.category is Category.HELD_OUT
        assert case.expected not in (None, case.original)
        assert case.expected.count(end) == case.expected.count(b"\n")


def test_a_missing_clone_is_named(tmp_path):
    with pytest.raises(GitError, match="someone/else"):
        list(load_heldout([tmp_path], Manifest(1, (Repository("someone/else", "HEAD", 1),))))


def test_the_shipped_manifests_name_commits():
    for name, least in (("heldout", 1500), ("validation", 500)):
        manifest = load_manifest(name)
        assert sum(entry.limit for entry in manifest.repositories) >= least
        assert all(len(entry.commit) == 40 for entry in manifest.repositories)
        assert set(manifest.formats) == set(FORMATS)


def test_a_bad_manifest_is_a_sentence(tmp_path):
    (tmp_path / "bad.toml").write_text("seed = [")
    for name in (str(tmp_path / "none.toml"), str(tmp_path / "bad.toml"), "nothing"):
        with pytest.raises(ValueError, match="is no manifest"):
            load_manifest(name)


@pytest.mark.parametrize("side", ["heldout", "validation"])
def test_the_repositories_are_of_the_split_of_training_and_are_not_trained_on(side):
    sources = tomllib.loads((resources.files("training") / "manifests" / "sources.toml").read_text())
    ours = [entry.name for entry in load_manifest(side).repositories]
    assert ours == sources[side][: len(ours)]
    for other in {"train", "validation", "heldout"} - {side}:
        assert not set(ours) & set(sources[other])


def test_habits_are_mined_from_the_same_commits(clone):
    roots, commit, _ = clone
    manifest = Manifest(7, (Repository("someone/steps", commit, 4),))
    cases = list(load_heldout([roots], manifest, habits=True))
    assert cases == list(load_heldout([roots], manifest, habits=True))
    assert 1 <= len(cases) <= 4
    for case in cases:
        assert case.tags[0] in HABITS
        assert case.id.startswith(f"{case.tags[0]}/someone/steps/")
        assert case == case_from_json(json.loads(json.dumps(case_to_json(case))))


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.jsonl.gz"])
def test_mined_cases_can_be_kept_in_a_file(clone, tmp_path, name):
    roots, commit, _ = clone
    cases = list(load_heldout([roots], Manifest(7, (Repository("someone/steps", commit, 4),))))
    save_file(cases, tmp_path / name)
    assert load_cases(str(tmp_path / name)) == cases


def test_the_choice_of_cases_does_not_depend_on_their_order(clone):
    roots, commit, _ = clone
    cases = list(load_heldout([roots], Manifest(7, (Repository("someone/steps", commit, 4),))))
    assert limit_cases(cases, 2, seed=3) == limit_cases(reversed(cases), 2, seed=3)
