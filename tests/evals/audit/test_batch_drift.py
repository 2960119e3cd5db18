import json
import signal
import subprocess
import sys
from collections import Counter

import pytest

from evals.audit.batch_drift import SIZES, batch_rows, main, schedule, summarise
from evals.audit.transformers_batch import BatchGenerator
from evals.report.html import load, render


def test_the_schedule_holds_exactly_the_requested_copies_at_every_size():
    plan = schedule(1000)
    assert sum(copies for _, copies in plan) == 1000
    assert {size for size, _ in plan} == set(SIZES)
    assert all(1 <= copies <= max(1, size // 2) for size, copies in plan)
    assert [size for size, _ in plan].count(1) == 4  # alone, what differs is no batch's doing
    assert len(plan) < 50


def test_a_short_run_still_sees_every_size_first():
    assert [size for size, _ in schedule(1000)[: len(SIZES)]] == list(SIZES)
    assert schedule(3) == [(1, 1), (2, 1), (3, 1)]
    assert sum(copies for _, copies in schedule(5000)) == 5000


def test_copies_are_spread_over_the_batch_among_others():
    audited, neighbours = [0], [[1], [2], [3]]
    for turn, (size, copies) in enumerate(schedule(1000)):
        rows = batch_rows(audited, neighbours, size, copies, turn)
        places = [place for place, row in enumerate(rows) if row is audited]
        assert (len(rows), len(places)) == (size, copies)
        if size > 2 and copies == size // 2:
            assert places[-1] - places[0] >= size - 4 if copies > 1 else places == [0]


def test_the_whole_run_on_a_small_model_can_be_reported(stock_model, tmp_path, capsys):
    arguments = ["--model", str(stock_model), "--dtype", "float32", "--device", "cpu", "--out", str(tmp_path)]
    main([*arguments, "--total", "12", "--prompts", "2", "--prompt-tokens", "6", "--new-tokens", "3"])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [result["n"] for result in summary["prompts"].values()] == [12, 12]
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) == 24
    assert "distinct outputs of 12" in capsys.readouterr().out
    assert "Batch drift" in render([load(tmp_path)])


def test_a_run_that_is_stopped_keeps_and_sums_up_what_it_has(stock_model, tmp_path, monkeypatch):
    batches = []

    def stop_after_five(self, rows, new_tokens):
        batches.append(len(rows))
        if len(batches) == 7:  # the first is the warm-up
            signal.raise_signal(signal.SIGTERM)
        return generate(self, rows, new_tokens)

    generate = BatchGenerator.generate
    monkeypatch.setattr(BatchGenerator, "generate", stop_after_five)
    arguments = ["--model", str(stock_model), "--dtype", "float32", "--device", "cpu", "--out", str(tmp_path)]
    before = signal.getsignal(signal.SIGTERM)
    try:
        main([*arguments, "--prompt-tokens", "6", "--new-tokens", "2"])
    finally:
        signal.signal(signal.SIGTERM, before)
    (result,) = json.loads((tmp_path / "summary.json").read_text())["prompts"].values()
    assert list(result["by_batch_size"]) == ["1", "2", "3", "4", "6"]


def test_no_batch_is_begun_that_would_end_too_late(stock_model, tmp_path):
    arguments = ["--model", str(stock_model), "--dtype", "float32", "--device", "cpu", "--out", str(tmp_path)]
    with pytest.raises(SystemExit, match="nothing was measured"):
        main([*arguments, "--max-seconds", "0"])


def _sample(size, tokens, logits):
    return {
        "batch_size": size,
        "tokens": tokens,
        "sha256": str(tokens),
        "logits_sha256": logits,
        "top_logit": float(len(logits)),
    }


def test_summary_by_hand():
    samples = [
        _sample(1, (1, 2), "a"),
        _sample(2, (1, 2), "bb"),
        _sample(2, (1, 3), "bb"),
        _sample(4, (1, 2), "a"),
    ]
    summary = summarise(samples)
    assert (summary["n"], summary["distinct_outputs"], summary["distinct_prefill_logits"]) == (4, 2, 2)
    assert summary["div_index"] == 1
    assert summary["divergence_positions"] == [1]
    assert summary["top_logit_spread"] == 1.0
    assert Counter({s: r["outputs_not_seen_alone"] for s, r in summary["by_batch_size"].items()}) == {
        "1": 0,
        "2": 1,
        "4": 0,
    }


BARE = """
import sys
for name in ("tree_sitter", "pydantic", "rich", "typer", "grpc", "jinja2", "matplotlib", "openai"):
    sys.modules[name] = None  # importing it raises ImportError
import evals.audit.batch_drift
"""


def test_it_needs_torch_and_nothing_else_of_the_project():
    subprocess.run([sys.executable, "-c", BARE], check=True, timeout=100)


def test_a_shape_with_random_weights_needs_no_checkpoint(stock_model, tmp_path):
    (tmp_path / "config.json").write_bytes((stock_model / "config.json").read_bytes())
    one, same, other = (BatchGenerator(str(tmp_path), None, "float32", "cpu", seed=n) for n in (1, 1, 2))
    rows = one.encode(["audited", "neighbour"], length=5)
    assert rows[0] == list(b"audit")
    assert one.generate(rows, 4) == same.generate(rows, 4) != other.generate(rows, 4)
    assert "random weights of seed 1" in one.name
