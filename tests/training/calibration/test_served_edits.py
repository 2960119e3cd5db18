from dataclasses import replace
from pathlib import Path

import pytest

from applier.engine.engine import Engine
from applier.merge.confidence import ENDLESS, HeadStart, Kind
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptTemplate
from applier.types import EditFormat
from kernels.config import NUMERICS_VERSION
from tests.applier.tiny import codec
from tests.applier.tiny_model import model
from training.calibration.served_edits import Served, best_head_start, serve
from training.synth import SynthCase


def outcome(right: bool, baseline: bool, departure: float, odds: int = 0) -> Served:
    return Served("python", (), 1.0, Kind.DIFFERS, right, departure, baseline, odds)


def test_the_best_head_start_keeps_good_departures_and_stops_bad_ones():
    outcomes = [outcome(True, False, 6.0), outcome(False, True, 2.0), outcome(True, True, 0.0)]
    start, share = best_head_start(outcomes)
    assert 2.0 < start.of(0) < 6.0
    assert share == 1.0


def test_a_surer_proposal_gets_a_longer_head_start():
    outcomes = [outcome(False, True, 9.0, 5000), outcome(True, False, 4.0, 500)] * 3
    start, share = best_head_start(outcomes)
    assert share == 1.0
    assert start.of(5000) > 9.0
    assert start.of(500) < 4.0


def test_a_better_baseline_takes_an_unreachable_head_start():
    start, share = best_head_start([outcome(False, True, 9.0)] * 3)
    assert start.of(0) > 9.0
    assert share == 1.0


@pytest.mark.parametrize("start", [HeadStart(), ENDLESS])
def test_the_whole_applier_serves_a_case(start):
    old = ["def add(a, b):", "    return a + b"]
    new = ["def add(a, b):", "    return b + a"]
    edit = ["# ... existing code ...", "    return b + a"]
    case = SynthCase("python", "x.py", old, new, "\n".join(edit), edit, EditFormat.LAZY, "", ())
    info = ModelInfo(
        Path(), model().weights_sha256, codec().sha256, NUMERICS_VERSION, 0.5, PromptTemplate(), None
    )
    engine = Engine(model(), codec(), head_start=start)
    served = list(serve(replace(info, head_start=start), engine, [case]))
    assert len(served) == 1
    assert served[0].baseline_right == served[0].right
    # Random weights find no end of their own; with an endless head start they confirm the proposal.
    assert served[0].kind is (Kind.AGREES if start == ENDLESS else Kind.FALLBACK)
    assert (served[0].departure == 0) is (start == ENDLESS)
