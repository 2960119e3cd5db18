import subprocess
import sys
from collections import Counter

from evals.audit.batch_drift import SIZES, schedule, summarise


def test_the_schedule_holds_exactly_the_requested_copies_at_every_size():
    plan = schedule(1000, SIZES)
    assert sum(copies for _, copies in plan) == 1000
    assert {size for size, _ in plan} == set(SIZES)
    assert all(1 <= copies <= max(1, size // 2) for size, copies in plan)
    assert len(plan) < 80


def test_a_short_run_still_sees_every_size_first():
    plan = schedule(1000, SIZES)
    assert [size for size, _ in plan[: len(SIZES)]] == list(SIZES)
    assert sum(copies for _, copies in schedule(3, SIZES)) == 3


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
