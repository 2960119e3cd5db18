"""The float model that the exact one is compared with is the same model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from evals.kernels.parity import main, take
from kernels.derive.convert import convert_base
from tests.training.toy import toy_checkpoint, toy_samples
from training.samples.shards import read_folder


def test_both_models_are_scored_on_the_same_samples(tmp_path: Path) -> None:
    base, samples = toy_checkpoint(tmp_path / "base"), toy_samples(tmp_path / "samples")
    served = convert_base(base, tmp_path / "served")
    out = tmp_path / "parity.json"
    files = ["--base", str(base), "--model", str(served), "--samples", str(samples), "--out", str(out)]
    main([*files, "--limit", "12", "--dtype", "float32"])
    report = json.loads(out.read_text())
    assert report["samples"] == 12
    assert report["int8_exact"] == report["float_exact"] == 0.0  # nobody trained it
    assert report["differ"] == 0


def test_a_limit_takes_whole_samples(tmp_path: Path) -> None:
    samples = read_folder(toy_samples(tmp_path / "samples"))
    some = take(samples, 5)
    assert len(some) == 5
    assert len(some.ids) == int(some.lengths.sum())
    assert take(samples, None) is samples
