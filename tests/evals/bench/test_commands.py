"""The commands, each on a load of a few small edits."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from evals.bench.__main__ import main
from evals.bench.harness.process import serving
from evals.bench.rival import open_rival
from evals.cli import app
from kernels.model import Segment, build_model
from kernels.weights import load_weights
from tests.evals.tiny_model import write_tiny_model

RUNNER = CliRunner()


def bench(*arguments, code=0):
    result = RUNNER.invoke(app, ["bench", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def read(out):
    return json.loads((out / "bench.json").read_text())


def test_prepare_writes_a_load_of_the_written_cases(tmp_path, tiny_folder):
    out = bench("prepare", "--out", tmp_path / "load.json", "--limit", 20, "--model", tiny_folder)
    assert "edits of 20 cases" in out
    bench("prepare", "--out", tmp_path / "x", "--cases", "heldout", "--repos", tmp_path, code=2)


def test_rates_and_concurrency_in_process(tmp_path, load_file, tiny_folder):
    common = ("--load", load_file, "--model", tiny_folder, "--seconds", 0.4, "--identical", 0.5)
    bench("rates", *common, "--rate", 20, "--rate", 40, "--out", tmp_path / "rates")
    bench("concurrency", *common, "--clients", 1, "--clients", 3, "--out", tmp_path / "clients")
    for name in ("rates", "clients"):
        result = read(tmp_path / name)
        assert result["distinct_results_per_request"] == 1
        assert [row["errors"] for row in result["rows"]] == [{}, {}]
        assert all(row["milliseconds"]["p50"] <= row["milliseconds"]["p99"] for row in result["rows"])
        assert (tmp_path / name / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_engine_gives_the_same_answers_alone_in_batches_and_in_threads(tmp_path, load_file, tiny_folder):
    bench(
        *("engine", "--load", load_file, "--model", tiny_folder, "--seconds", 0.3),
        *("--batch", 4, "--in-threads", 2, "--out", tmp_path),
    )
    result = read(tmp_path)
    assert [row["mode"] for row in result["rows"]] == ["single stream", "apply_many", "threads"]
    assert result["distinct_results_per_request"] == 1
    assert all(row["window_tokens"] > 0 for row in result["rows"] if row["status"].get("applied"))


def test_growth_with_file_and_edit_size(tmp_path, load_file, tiny_folder):
    common = ("--model", tiny_folder, "--repeats", 1)
    sizes = ("--size", 1024, "--size", 65536)
    bench("file-size", "--load", load_file, *common, *sizes, "--out", tmp_path / "file")
    rows = read(tmp_path / "file")["rows"]
    assert [row["file_bytes"] >= size for row, size in zip(rows, (1024, 65536) * 2, strict=True)] == [
        True
    ] * 4
    assert all(row["file_bytes"] < 1.1 * size for row, size in zip(rows, (1024, 65536) * 2, strict=True))
    assert {row["tier"] for row in rows} >= {"exact"}
    bench("edit-size", *common, "--lines", 1, "--lines", 3, "--out", tmp_path / "edit")
    assert [row["changed_lines"] for row in read(tmp_path / "edit")["rows"]] == [1, 3]


def test_edits_in_a_large_file_beside_their_own(tmp_path, load_file, tiny_folder):
    common = ("--load", load_file, "--model", tiny_folder, "--repeats", 1)
    bench("large-file", *common, "--size", 100_000, "--edits", 3, "--out", tmp_path)
    result = read(tmp_path)
    rows = result["rows"]
    assert len(rows) == result["summary"]["edits"] == 3
    assert all(row["own_bytes"] < 100_000 <= row["large_bytes"] < 101_000 for row in rows)
    assert all(row["own_milliseconds"] > 0 and row["large_lines"] > 2_000 for row in rows)
    assert result["summary"]["same_change"] == sum(row["same_change"] for row in rows)
    assert (tmp_path / "plot.png").exists()


def test_exact(tmp_path):
    bench("exact", "--repeats", 1, "--out", tmp_path)
    rows = read(tmp_path)["rows"]
    assert {row["status"] for row in rows} == {"applied"}
    assert {row["tier"] for row in rows} == {"exact"}
    assert max(row["file_bytes"] for row in rows) == 10 << 20


def test_a_server_under_load_and_a_short_soak(tmp_path, load_file):
    bench(
        *("soak", "--load", load_file, "--tier", "exact", "--minutes", 0.05, "--rate", 60),
        *("--every", 0.1, "--model", write_tiny_model(tmp_path / "tiny"), "--out", tmp_path),
    )
    result = read(tmp_path)
    assert (result["grew"], result["summary"]["errors"]) == ([], {})
    assert result["summary"]["answered"] > 50
    assert result["rows"][-1]["resident_bytes"] > 10 << 20


def test_clients_of_a_server_that_runs_already(tmp_path, load_file, tiny_folder):
    with serving(tiny_folder) as server:
        bench(
            *("concurrency", "--load", load_file, "--tier", "exact", "--grpc", server.target),
            *("--clients", 2, "--clients", 8, "--requests", 20, "--out", tmp_path),
        )
    rows = read(tmp_path)["rows"]
    assert [(row["clients"], row["errors"]) for row in rows] == [(2, {}), (8, {})]


def test_a_server_killed_under_load_costs_no_answer(tmp_path, load_file, tiny_folder):
    bench(
        *("failover", "--load", load_file, "--tier", "exact", "--seconds", 4, "--rate", 40),
        *("--checked", 5, "--model", tiny_folder, "--out", tmp_path),
    )
    result = read(tmp_path)
    assert result["summary"]["errors"] == {}
    assert (result["asked_again"], result["differ"]) == (5, 0)
    assert len(result["rows"]) == result["summary"]["answered"] > 50
    assert (tmp_path / "plot.png").exists()


def test_a_server_asked_too_much_turns_away_and_goes_on(tmp_path, load_file, tiny_folder):
    bench(
        *("overload", "--load", load_file, "--tier", "model", "--seconds", 0.8, "--factor", 1),
        *("--factor", 20, "--model", tiny_folder, "--out", tmp_path),
    )
    result = read(tmp_path)
    assert set(result["rows"][1]["errors"]) == {"RESOURCE_EXHAUSTED"}
    assert result["rows"][1]["answered"] > 0
    assert result["distinct_results_per_request"] == 1


def test_a_missing_load_or_model_is_a_sentence(tmp_path, load_file):
    bench("rates", "--load", tmp_path / "none", "--rate", 1, "--out", tmp_path, code=2)
    common = ("--load", load_file, "--rate", 1, "--out", tmp_path)
    assert "Traceback" not in bench("rates", *common, "--model", tmp_path, code=2)


@pytest.fixture(scope="module")
def stock_model(tmp_path_factory):
    """A tiny Llama with random weights in a Hugging Face folder."""
    transformers = pytest.importorskip("transformers")
    import torch

    torch.manual_seed(5)
    config = transformers.LlamaConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1024,
    )
    folder = tmp_path_factory.mktemp("stock")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_the_rival_over_batch_sizes_with_and_without_prompt_lookup(tmp_path, load_file, stock_model):
    bench(
        *("rival", "--load", load_file, "--model", stock_model, "--device", "cpu", "--new-tokens", 12),
        *("--batch", 1, "--batch", 3, "--out", tmp_path),
    )
    rows = read(tmp_path)["rows"]
    assert [(row["decoding"], row["batch"]) for row in rows] == [
        ("greedy", 1),
        ("greedy", 3),
        ("prompt lookup, 10 tokens", 1),
    ]
    assert all(row["window_tokens_per_second"] > 0 for row in rows)
    assert all(1 <= row["distinct_outputs_per_prompt"] <= row["batches"] for row in rows)
    assert "prompts_that_lookup_changes" in rows[-1]


def test_a_rival_may_have_the_weights_that_are_served(tiny_folder):
    weights = load_weights(tiny_folder / "model.safetensors")
    model = open_rival(str(tiny_folder), None, None, "float32", "cpu").model
    ids = torch.arange(3, 40) % weights.config.vocab_size
    exact = build_model(weights, "reference")
    logits = exact.logits(exact.forward([Segment(exact.new_cache(64), ids.numpy())]))
    with torch.inference_mode():
        stock = model(ids[None]).logits[0]
    both = torch.stack([torch.from_numpy(logits).flatten(), stock.flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.99  # rounding aside
    up = model.model.layers[0].mlp.up_proj.weight
    served = weights.layers[0].up
    assert np.array_equal(up.detach().numpy(), served.weight.astype(np.float32) * served.scale[:, None])


BARE = """
import sys
for name in ("pydantic", "structlog", "grpc", "opentelemetry", "typer", "rich", "jinja2"):
    sys.modules[name] = None  # importing it raises ImportError
import evals.bench.rival
from evals.bench.__main__ import main
from evals.bench.harness.process import serving
main(sys.argv[1:])
"""


def test_the_engine_runs_where_little_is_installed(tmp_path, load_file, tiny_folder):
    arguments = ["engine", "--load", load_file, "--model", tiny_folder, "--out", tmp_path, "--batch", 2]
    arguments += ["--in-threads", 2, "--seconds", 0.2]
    command = [sys.executable, "-c", BARE, *map(str, arguments)]
    subprocess.run(command, check=True, timeout=200, stdout=subprocess.PIPE)
    assert read(tmp_path)["distinct_results_per_request"] == 1


def test_the_rivals_arguments_are_read_without_typer(tmp_path, load_file, stock_model):
    arguments = ["rival", "--load", load_file, "--model", stock_model, "--out", tmp_path]
    main([*map(str, arguments), "--batch", "2", "--new-tokens", "4", "--device", "cpu"])
    assert [row["batch"] for row in read(tmp_path)["rows"]] == [2, 1]
