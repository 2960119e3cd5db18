"""The load: what is prepared, and the sequence of requests made of it."""

import pytest

from applier import Applier
from applier.receipt import request_digest
from applier.types import Tier
from evals.bench.harness.load import Traffic, as_diff, prepare, read_load, write_load
from evals.cases.written import load_written
from tests.evals.small import LAZY


def test_a_load_is_read_as_it_was_written(load, load_file, tmp_path):
    assert read_load(load_file) == load
    write_load(load, tmp_path / "load.json.gz")
    assert read_load(tmp_path / "load.json.gz") == load
    assert (tmp_path / "load.json.gz").stat().st_size < load_file.stat().st_size / 2


def test_only_edits_that_are_applied_are_taken(tiny_folder):
    cases = [case for case in load_written() if case.id.startswith("retry-backoff/")]
    taken = {edit.case.id for edit in prepare(cases, tiny_folder, "x").edits}
    assert {case.id for case in cases if case.expected is None}.isdisjoint(taken)
    assert "retry-backoff/lazy" in taken


def test_an_edit_knows_its_tokens(load):
    model, exact = load.of_tier(Tier.MODEL), load.of_tier(Tier.EXACT)
    assert all(edit.merges and edit.merges[0].prompt for edit in model.edits)
    assert all(edit.merges == () for edit in exact.edits)
    assert [each.origin["tier"] for each in (load, model, exact)] == ["any", "model", "exact"]
    assert all(edit.whole_tokens > 0 for edit in load.edits)


def test_a_diff_is_the_same_change_for_the_exact_tier(load):
    by_id = {edit.case.id: edit for edit in load.edits}
    for case in LAZY:
        assert by_id[as_diff(case).id].case.expected == case.expected


def test_every_turn_is_another_request_that_the_applier_answers_alike(load):
    applier = Applier.without_model()
    for edit in load.of_tier(Tier.EXACT).edits:
        results = [applier.apply(edit.request(turn)) for turn in (0, 1, 2)]
        assert {result.content for result in results} == {edit.case.expected}
        assert len({result.receipt.request_sha256 for result in results}) == 3
    for edit in load.of_tier(Tier.MODEL).edits:
        assert [edit.request(turn).path for turn in (0, 1)] == ["small.py", "small_1.py"]


def test_a_file_that_is_no_load_says_what_to_do(tmp_path):
    (tmp_path / "x.gz").write_text("{}")
    with pytest.raises(ValueError, match="bench prepare"):
        read_load(tmp_path / "x.gz")
    for text in ("", "{}", '{"kind": "samebytes bench load", "version": 9, "edits": []}'):
        (tmp_path / "x").write_text(text)
        with pytest.raises(ValueError, match="bench prepare"):
            read_load(tmp_path / "x")


def test_a_load_without_the_wanted_tier_is_an_error(load):
    with pytest.raises(ValueError, match="no edit of the exact tier"):
        load.of_tier(Tier.MODEL).of_tier(Tier.EXACT)


def test_traffic_repeats_one_edit_among_edits_that_are_all_different(load):
    traffic = Traffic(load.edits, identical=0.2)
    taken = [traffic.request(number) for number in range(100)]
    same = [request for key, _, request in taken if key == load.edits[0].case.id]
    assert len(same) == 20
    assert len({request_digest(request) for request in same}) == 1
    others = {request_digest(request) for key, _, request in taken if key != load.edits[0].case.id}
    assert len(others) == 80
    assert [traffic.request(number)[0] for number in range(100)] == [key for key, _, _ in taken]
    elsewhere = Traffic(load.edits, identical=0.2, first_turn=1000)
    keys = {key for key, _, _ in taken}
    assert {elsewhere.request(n)[0] for n in range(100)} & keys == {load.edits[0].case.id}
