from dataclasses import replace
from pathlib import Path

import pytest

from applier.confidence import Kind
from applier.engine import Engine, ModelInfo
from applier.prompt import PromptTemplate
from applier.types import EditFormat
from kernels.config import NUMERICS_VERSION
from tests.applier.tiny import codec
from tests.applier.tiny_model import model
from training.served import ENDLESS, Served, best_bias, serve
from training.synth import SynthCase


def outcome(right: bool, baseline: bool, departure: float) -> Served:
    return Served("python", (), 1.0, Kind.DIFFERS, right, departure, baseline)


def test_the_best_bias_keeps_good_departures_and_stops_bad_ones():
    outcomes = [outcome(True, False, 5.0), outcome(False, True, 1.0), outcome(True, True, 0.0)]
    bias, share = best_bias(outcomes)
    assert 1.0 < bias < 5.0
    assert share == 1.0


def test_a_better_baseline_takes_an_unreachable_bias():
    bias, share = best_bias([outcome(False, True, 9.0)] * 3)
    assert bias > 9.0
    assert share == 1.0


@pytest.mark.parametrize("bias", [0.0, ENDLESS])
def test_the_whole_applier_serves_a_case(bias):
    old = ["def add(a, b):", "    return a + b"]
    new = ["def add(a, b):", "    return b + a"]
    edit = ["# ... existing code ...", "    return b + a"]
    case = SynthCase("python", "x.py", old, new, "\n".join(edit), edit, EditFormat.LAZY, "", ())
    info = ModelInfo(
        Path(), model().weights_sha256, codec().sha256, NUMERICS_VERSION, 0.5, PromptTemplate(), None
    )
    engine = Engine(model(), codec(), proposal_bias=bias)
    served = list(serve(replace(info, proposal_bias=bias), engine, [case]))
    assert all(one.baseline_right == one.right or bias == 0.0 for one in served)
    assert len(served) == (1 if bias else len(served))
    if bias:
        assert served[0].kind is Kind.AGREES
