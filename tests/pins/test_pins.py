"""Results are what they were. A change that means to change them takes the digests again (`COMMAND`) and says
in its commit which edits changed and why that is better.
"""

import pytest

from applier import Applier
from tests.pins.pinning import (
    COMMAND,
    GROUPS,
    Pins,
    differences,
    faults_file,
    is_served,
    load,
    plan_pins,
    served_pins,
)

groups = pytest.mark.parametrize("group", GROUPS)


def kept_pins(group: str, served: bool) -> Pins:
    """Some of the fields that are kept of a group, which is skipped where its texts are missing."""
    if group == "faults" and not faults_file().exists():
        pytest.skip(f"{faults_file()} is missing; SAMEBYTES_SHARED says where the shared folder is")
    return {
        name: {field: value for field, value in fields.items() if (field == "served") is served}
        for name, fields in load()[group].items()
    }


def check(kept: Pins, found: Pins) -> None:
    assert len(kept.keys() & found.keys()) >= 0.9 * len(kept), f"edits are missing: {COMMAND}"
    changed = differences(kept, found)
    assert not changed, "\n".join([f"results differ; if they are meant to: {COMMAND}", *changed])


@groups
def test_windows_proposals_odds_and_refusals_are_those_kept(group):
    check(kept_pins(group, served=False), plan_pins(GROUPS[group]()))


@groups
def test_the_model_serves_the_bytes_and_the_confidence_kept(group):
    kept = {name: fields for name, fields in kept_pins(group, served=True).items() if fields}
    applier = Applier.from_default()
    if applier.info is None:
        pytest.skip("the model is not installed: samebytes model fetch")
    assert kept
    assert applier.fingerprint() == load()["fingerprint"], f"another model or numerics: {COMMAND}"
    check(kept, served_pins((edit for edit in GROUPS[group]() if is_served(edit.name)), applier))


def test_a_difference_is_named():
    kept = {"an edit": {"odds": "1", "window": "a"}, "gone": {"odds": "2"}}
    assert differences(kept, {"an edit": {"odds": "3", "window": "a"}, "new": {"odds": "4"}}) == [
        "an edit: odds was 1, is 3"
    ]
