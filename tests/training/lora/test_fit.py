"""Fine-tuning on the CPU at toy scale: it learns, resumes, and two workers compute what one does."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kernels.derive.adapter import load_adapter
from kernels.derive.convert import convert_base
from kernels.model import load_model
from tests.training.toy import TOY_CONFIG, toy_checkpoint, toy_samples
from training.config import FitConfig
from training.lora.checkpoints import CheckpointDamaged, load_checkpoint, save_checkpoint
from training.lora.fit import Fit, FitRun, Worker, learning_rate_factor
from training.samples.shards import read_folder

CPU = Worker(0, 1, torch.device("cpu"))


@pytest.fixture
def run(tmp_path: Path) -> FitRun:
    torch.set_num_threads(1)
    samples = str(toy_samples(tmp_path / "samples"))
    base = str(toy_checkpoint(tmp_path / "base"))
    return FitRun(base, samples, {"seen": samples}, str(tmp_path / "out"), TOY_CONFIG)


def test_it_learns_and_exports(run: FitRun, capsys: pytest.CaptureFixture[str]) -> None:
    fit = Fit(run, CPU)
    before = fit.score({"seen": run.samples})["seen"]
    fit.train()
    after = json.loads((Path(run.out) / "scores.json").read_text())["scores"]["seen"]
    assert after["loss"] < before.loss * 0.7
    assert after["wrong_tokens"] < before.wrong_tokens
    adapter = load_adapter(Path(run.out) / "adapter.safetensors")
    assert {name.rpartition(".")[2] for name in adapter.factors} == {"q", "k", "v", "o", "gate", "up", "down"}
    assert "step 40" in capsys.readouterr().out


def test_the_served_model_answers_as_the_trained_one(run: FitRun, tmp_path: Path) -> None:
    """The exact int8 model from base + exported adapter against the training forward pass."""
    fit = Fit(run, CPU)
    fit.train()
    folder = convert_base(run.base, tmp_path / "served", Path(run.out) / "adapter.safetensors")
    model = load_model(folder)
    samples = read_folder(Path(run.samples))
    same = total = at = 0
    for length, given in zip(samples.lengths[:10], samples.prompt_lengths[:10], strict=True):
        ids = torch.from_numpy(samples.ids[at : at + length].astype("int64"))
        at += length
        cache = model.new_cache(int(length))
        served = torch.from_numpy(model.logits(model.forward([_segment(cache, ids)])))[given - 1 : -1]
        edges = torch.tensor([0, int(length)], dtype=torch.int32)
        with torch.no_grad():
            hidden = fit.model(ids, torch.arange(int(length)), edges, 1024)[given - 1 : -1]
            trained = _logits(fit, hidden)
        assert torch.nn.functional.cosine_similarity(served, trained, dim=-1).min() > 0.98
        same += int((served.argmax(-1) == trained.argmax(-1)).sum())
        total += len(served)
    assert same >= 0.9 * total


def _segment(cache: object, ids: torch.Tensor) -> object:
    from kernels.model import Segment

    return Segment(cache, ids.numpy())  # type: ignore[arg-type]


def _logits(fit: Fit, hidden: torch.Tensor) -> torch.Tensor:
    from training.lora.lora_model import head_logits

    return head_logits(hidden, fit.model.embed_q, fit.model.embed_s)


def test_a_resumed_run_ends_like_one_that_was_never_stopped(run: FitRun, tmp_path: Path) -> None:
    whole = dataclasses.replace(run, config=dataclasses.replace(TOY_CONFIG, steps=12, checkpoint_every=6))
    fit = Fit(whole, CPU)
    fit.train()
    expected = {name: p.detach().clone() for name, p in fit.parameters.items()}

    stopped = dataclasses.replace(whole, out=str(tmp_path / "stopped"))
    first = Fit(stopped, CPU)
    stream = first.packer.stream(TOY_CONFIG.seed, 0, 1)
    for _ in range(6):
        first.train_step(next(stream), learning_rate_factor(first.step, first.progress(), stopped.config))
    first.save()
    second = Fit(stopped, CPU)
    second.train()
    assert second.step == 12
    assert all(torch.equal(p, expected[name]) for name, p in second.parameters.items())


def test_a_snapshot_starts_another_run(run: FitRun, tmp_path: Path) -> None:
    fit = Fit(run, CPU)
    fit.train()
    fit.snapshot(tmp_path / "snapshot")
    other = Fit(dataclasses.replace(run, out=str(tmp_path / "b"), initial=str(tmp_path / "snapshot")), CPU)
    other.resume()
    assert other.step == 0
    assert all(torch.equal(p, fit.parameters[n].bfloat16().float()) for n, p in other.parameters.items())


def test_two_workers_learn_together(run: FitRun, tmp_path: Path) -> None:
    """torchrun with two CPU processes: both take part, and the loss falls as with one."""
    path = tmp_path / "run.json"
    short = dataclasses.replace(run, config=dataclasses.replace(TOY_CONFIG, steps=20))
    path.write_text(json.dumps(dataclasses.asdict(short)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "USE_HUB_KERNELS": "0"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    done = subprocess.run(
        [*command, "training.lora.fit", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((Path(run.out) / "scores.json").read_text())
    assert report["step"] == 20
    assert report["scores"]["seen"]["loss"] < 4.5


def test_the_schedule_warms_up_stays_and_cools_down() -> None:
    config = FitConfig(warmup_steps=10, cooldown=0.4)
    assert learning_rate_factor(0, 0.0, config) == pytest.approx(0.1)
    assert learning_rate_factor(50, 0.5, config) == 1.0
    assert learning_rate_factor(50, 0.8, config) == pytest.approx(0.5)
    assert learning_rate_factor(50, 1.0, config) == 0.0


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", {"step": 3, "x": torch.arange(5)})
    state = load_checkpoint(tmp_path / "c")
    assert state is not None
    assert state["step"] == 3
    (tmp_path / "c" / "part-000").write_bytes(b"other")
    with pytest.raises(CheckpointDamaged):
        load_checkpoint(tmp_path / "c")
