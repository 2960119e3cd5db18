"""Groups of merges and what training on them reaches, at toy scale."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from applier.merge.confidence import HeadStart
from applier.merge.proposal_path import Guide
from applier.text.window import GAP
from kernels.derive.adapter import load_adapter
from tests.applier.tiny import codec
from tests.training.toy import TOY_CONFIG, toy_checkpoint, toy_samples
from training.cli import app
from training.config import RewardConfig
from training.corpus.mine import mine_to_index
from training.lora.export import export_adapter
from training.lora.fit import Worker
from training.lora.gradient_check import gradients
from training.lora.initial_factors import adapter_parameters, balanced
from training.reward.build import BuildSettings, build_index, first_choices
from training.reward.groups import SUFFIX, Groups, read_group_folder, read_groups, write_groups
from training.reward.objective import least_leads, log_chances, losses
from training.reward.packs import GroupPack, GroupPacker
from training.reward.rivals import Cause, slips
from training.reward.run import RewardFit, RewardRun
from training.samples.shards import ShardError, read_folder

CONFIG = dataclasses.replace(TOY_CONFIG, steps=30)
CPU = Worker(0, 1, torch.device("cpu"))


def test_slips_keep_drop_and_move_lines() -> None:
    items = ["a = one", "b = two", "", "c = three", "d = four", GAP]
    without = [*items[:1], *items[3:]]
    found = list(slips(items, without))
    assert ["a = one", "b = two", "c = three", "d = four", GAP] in found  # first deleted line kept
    assert ["a = one", "", "c = three", "d = four", GAP] in found  # last one kept
    assert ["c = three", "d = four", GAP] in found
    assert ["a = one", "d = four", GAP] in found
    doubled = ["def f():", "    x = 1", "    return x", "", "def g():", "    x = 1", "    return x"]
    inserted = [*doubled[:6], "    x += 1", *doubled[6:]]
    moved = list(slips(doubled, inserted))
    assert [*doubled[:2], "    x += 1", *doubled[2:]] in moved  # behind the other `x = 1`
    assert all(items.count(GAP) == each.count(GAP) for each in found)
    assert not any(each == inserted for each in moved)


def test_a_rival_is_the_first_choice_that_differs() -> None:
    answer, wrong = (
        [5, 6, 7, 9],
        [([5, 8, 7, 9], Cause.READING), ([5, 8, 1], Cause.SLIP), ([5, 6, 9], Cause.SLIP)],
    )
    guide = Guide(codec(), ["import os"])
    rows = first_choices(answer, wrong, guide, 100)
    assert [(row.at, row.token, row.reading) for row in rows] == [(101, 8, True), (102, 9, False)]
    assert [row.toward for row in rows] == [0, 0]
    ours, theirs = (codec().build_answer([line]) for line in ("import os", "import sys"))
    for written, other, toward in ((ours, theirs, 1), (theirs, ours, -1)):
        (row,) = first_choices(written, [(other, Cause.READING)], guide, 0)
        assert row.toward == toward


def test_the_chance_is_the_product_of_softmaxes_at_the_places() -> None:
    leads = torch.tensor([1.0, -2.0, 0.5, 60.0])
    places, groups = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 1])
    found = torch.exp(log_chances(leads, places, groups, 3))
    first = 1 / (1 + np.exp(-1.0) + np.exp(2.0)) * 1 / (1 + np.exp(-0.5))
    assert found.tolist() == pytest.approx([first, 1.0, 1.0])
    assert torch.isfinite(log_chances(torch.tensor([-500.0]), places[:1], groups[:1], 1)).all()
    assert least_leads(leads, torch.tensor([0, 0, 0, 1]), 3).tolist() == [-2.0, 60.0, float("inf")]


def test_the_gradient_of_risk_is_that_of_likelihood_times_the_chance() -> None:
    """What a reward for the one right merge makes of policy gradients."""
    leads = torch.tensor([0.3, -1.0], requires_grad=True)
    found = {}
    for name in ("risk", "likelihood"):
        chance = log_chances(leads, torch.tensor([0, 1]), torch.tensor([0, 0]), 1)
        (found[name],) = torch.autograd.grad(losses(chance, name).sum(), leads)
    assert torch.allclose(found["risk"], found["likelihood"] * torch.exp(chance.detach()))
    with pytest.raises(ValueError, match="no objective"):
        losses(leads, "regret")


def toy_groups(folder: Path, count: int = 40) -> Path:
    """Samples whose answer counts up; the rivals repeat a number, or skip one that the head start favours."""
    samples = read_folder(toy_samples(folder, count))
    starts = np.cumsum(samples.lengths) - samples.lengths
    at = np.repeat(samples.prompt_lengths, 2) + np.tile([1, 2], count)
    wanted = samples.ids[np.repeat(starts, 2) + at]
    tokens = (wanted.astype(np.int64) + np.tile([-1, 1], count)).astype(np.uint16)
    groups = Groups(
        samples,
        np.full(count, 2, np.int32),
        at.astype(np.int32),
        tokens,
        np.tile(np.array([0, -1], np.int8), count),
        np.tile([True, False], count),
        np.full(count, 2000, np.int32),
        np.zeros(count, np.bool_),
    )
    (folder / "toy.xz").unlink()
    write_groups(folder / ("toy" + SUFFIX), groups)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> RewardRun:
    torch.set_num_threads(1)
    groups = str(toy_groups(tmp_path / "groups"))
    base = str(toy_checkpoint(tmp_path / "base"))
    return RewardRun(base, groups, {"seen": groups}, str(tmp_path / "out"), CONFIG)


def test_a_pack_asks_for_the_choices(run: RewardRun) -> None:
    groups = read_group_folder(Path(run.validation["seen"]))
    packer = GroupPacker(groups, CONFIG, HeadStart(1.0, 2.0))
    members = packer.epoch(0)[0]
    pack = packer.build(members)
    assert isinstance(pack, GroupPack)
    assert torch.equal(pack.wanted, pack.ids[pack.rows + 1])
    assert pack.rival_groups.tolist() == [slot for slot in range(len(members)) for _ in (0, 1)]
    assert torch.equal(pack.rivals - pack.wanted, torch.tensor([-1, 1]).repeat(len(members)))
    assert torch.equal(pack.starts, torch.tensor([0.0, -5.0]).repeat(len(members)))
    assert torch.equal(pack.place_groups[pack.places], pack.rival_groups)
    assert len(pack.place_groups) == len(pack.rows)
    shared = dataclasses.replace(groups, at=np.repeat(groups.at[::2], 2))
    assert len(GroupPacker(shared, CONFIG, HeadStart()).build(members).place_groups) == len(members)


@pytest.mark.parametrize("objective", ["risk", "likelihood"])
def test_the_right_merges_win(run: RewardRun, objective: str, capsys: pytest.CaptureFixture[str]) -> None:
    reward = RewardConfig(objective, 0.05, bias=1.0, with_start=objective == "risk")
    fit = RewardFit(dataclasses.replace(run, reward=reward), CPU)
    before = fit.score(run.validation)["seen"]
    fit.train()
    after = fit.score(run.validation)["seen"]
    assert before.share("started") < 0.5
    assert after.share("started") > before.share("started") + 0.3
    assert after.share("readings") > before.share("readings")
    assert load_adapter(Path(run.out) / "adapter.safetensors").factors
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("step 0 seen: of 40 groups right") for line in lines)
    assert any("won" in line and "tokens/s" in line for line in lines)


def test_packs_of_a_step_add_up(run: RewardRun) -> None:
    """What data parallel workers rely on: the gradient of all groups is the sum over the packs."""
    fit = RewardFit(run, CPU)
    with torch.no_grad():
        for parameter in fit.parameters.values():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    members = fit.packer.epoch(0)[0]
    parts = [members[: len(members) // 2], members[len(members) // 2 :]]
    packs = [fit.packer.build(part) for part in parts]
    whole = fit.packer.build(members)
    size = fit.size(whole)
    assert size == sum(fit.size(pack) for pack in packs)
    together = gradients(fit.parameters, lambda: fit.accumulate(whole, size))
    apart = gradients(fit.parameters, lambda: [fit.accumulate(pack, size) for pack in packs])
    for name, gradient in together.items():
        assert torch.allclose(gradient, apart[name], rtol=1e-3, atol=1e-6), name
    assert any(bool(gradient.any()) for gradient in together.values())


def test_two_workers_learn_together(run: RewardRun) -> None:
    path = Path(run.out).parent / "run.json"
    path.write_text(json.dumps(dataclasses.asdict(run)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "USE_HUB_KERNELS": "0"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    done = subprocess.run(
        [*command, "training.reward.run", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((Path(run.out) / "scores.json").read_text())
    assert report["step"] == CONFIG.steps
    leads = report["scores"]["seen"]["started"]
    assert len(leads) == 40
    assert sum(lead > 0 for lead in leads) > 20


def test_a_run_goes_on_from_an_adapter_file(run: RewardRun, tmp_path: Path) -> None:
    fit = RewardFit(run, CPU)
    fit.train()
    adapter = load_adapter(Path(run.out) / "adapter.safetensors")
    factors = adapter.factors["layers.0.q"]
    a, b = balanced(factors)
    assert np.allclose((b.double() @ a.double()).numpy(), factors.delta(), atol=1e-6)
    assert torch.allclose(a.pow(2).mean(1), b.pow(2).mean(0), rtol=1e-4)
    assert adapter_parameters(adapter).keys() == fit.parameters.keys()
    start = dataclasses.replace(run, out=str(tmp_path / "b"), initial=f"{run.out}/adapter.safetensors")
    other = RewardFit(start, CPU)
    other.resume()
    export_adapter(other.model, tmp_path / "again.safetensors")
    again = load_adapter(tmp_path / "again.safetensors").factors["layers.0.q"].delta()
    assert np.linalg.norm(again - factors.delta()) < 0.01 * np.linalg.norm(factors.delta())
    with pytest.raises(FileNotFoundError):
        RewardFit(dataclasses.replace(start, initial=str(tmp_path / "none")), CPU).resume()


def test_a_focus_leaves_most_sure_groups_out(run: RewardRun, capsys: pytest.CaptureFixture[str]) -> None:
    leads = [9.0] * 30 + [0.5] * 10
    path = Path(run.out).parent / "leads.json"
    path.write_text(json.dumps(leads))
    focused = dataclasses.replace(
        run,
        leads=str(path),
        reward=RewardConfig(focus=5.0, easy_share=0.1),
        config=dataclasses.replace(CONFIG, steps=1),
    )
    fit = RewardFit(focused, CPU)
    fit.train()
    assert set(range(30, 40)) <= set(fit.packer.members)
    assert 10 < len(fit.packer.members) < 20
    assert "of 40 groups 10 are unsure" in capsys.readouterr().out
    made = RewardFit(dataclasses.replace(focused, leads=None, out=run.out + "2"), CPU)
    Path(run.out + "2").mkdir()
    made.before()
    saved = json.loads((Path(run.out + "2") / "leads.json").read_text())
    assert saved == made.score(run.validation)["seen"].least


def test_groups_of_a_history(repository: Path, tmp_path: Path) -> None:
    index = tmp_path / "index" / "train" / "sample.jsonl"
    index.parent.mkdir(parents=True)
    mine_to_index(repository, "sample", index, limit=30, max_commits=99, seed=1)
    settings = BuildSettings(3, limit=12, easy_share=1.0)
    out = tmp_path / "some"
    count = build_index(index, [repository.parent], codec(), out, settings)
    assert count == 12
    assert build_index(index, [repository.parent], codec(), out, settings) == 0  # kept
    groups = read_group_folder(out)
    assert len(groups) == count
    ends = np.cumsum(groups.samples.lengths)
    at = 0
    for number, end in enumerate(ends):
        ids = groups.samples.ids[end - groups.samples.lengths[number] : end].tolist()
        assert ids[-1] == codec().end_id
        for row in range(at, at + int(groups.rival_counts[number])):
            place, token = int(groups.at[row]), int(groups.tokens[row])
            assert groups.samples.prompt_lengths[number] <= place < len(ids)
            assert ids[place] != token
        at += int(groups.rival_counts[number])
    assert groups.right.any()
    arguments = ["rivals", "--root", str(repository.parent), "--work", str(tmp_path), "--limit", "5"]
    arguments += ["--base", str(toy_checkpoint(tmp_path / "base"))]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert 0 < len(read_group_folder(tmp_path / "groups" / "train")) <= 5


def test_a_damaged_shard_of_groups_is_refused(tmp_path: Path) -> None:
    folder = toy_groups(tmp_path / "groups", 3)
    path = folder / ("toy" + SUFFIX)
    assert len(read_groups(path)) == 3
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ShardError):
        read_groups(path)
    with pytest.raises(ShardError, match="no groups"):
        read_group_folder(tmp_path)
