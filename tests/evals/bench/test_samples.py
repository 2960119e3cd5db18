"""Figures by hand."""

import pytest

from evals.bench.samples import Sample, distinct_results, percentile, summarise


def test_percentiles_are_nearest_ranks():
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7.0
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_summary_by_hand():
    model = {"status": "applied", "tier": "model", "passes": 2}
    samples = [
        Sample("a", 0.010, "x", window_tokens=100, whole_tokens=1000, **model),
        Sample("a", 0.030, "x", window_tokens=100, whole_tokens=1000, **model),
        Sample("b", 0.020, "y", status="applied", tier="exact"),
        Sample("c", 0.040, "z", status="refused", tier="model", window_tokens=50),
        Sample("d", 9.0, error="UNAVAILABLE"),
    ]
    found = summarise(samples, 2.0)
    assert (found["requests"], found["answered"], found["errors"]) == (5, 4, {"UNAVAILABLE": 1})
    assert found["milliseconds"] == {"p50": 20.0, "p95": 40.0, "p99": 40.0, "max": 40.0}
    assert found["window_tokens_per_second"] == 100.0
    assert found["whole_file_tokens_per_second"] == 1000.0
    assert found["passes_per_1000_tokens"] == 20.0
    assert (found["distinct_results_per_request"], found["requests_repeated"]) == (1, 1)
    assert found["status"] == {"applied": 3, "refused": 1}


def test_nothing_answered_is_no_division_by_zero():
    found = summarise([Sample("a", 1.0, error="UNAVAILABLE")], 1.0)
    assert (found["answered"], found["milliseconds"]["p50"], found["passes_per_1000_tokens"]) == (
        0,
        None,
        None,
    )


def test_two_answers_to_one_request_are_found():
    assert distinct_results([Sample("a", 1, "x"), Sample("b", 1, "y"), Sample("a", 1, "z")]) == (2, 1)
    assert distinct_results([]) == (0, 0)
