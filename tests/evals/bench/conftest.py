import pytest

from applier.types import Tier
from evals.bench.harness.load import as_diff, prepare, write_load
from tests.evals.small import LAZY


@pytest.fixture(scope="session")
def load(tiny_folder):
    """Small edits, each for the model and as an exact diff."""
    made = prepare([*LAZY, *map(as_diff, LAZY)], tiny_folder, "small")
    assert {edit.tier for edit in made.edits} == {Tier.MODEL, Tier.EXACT}
    return made


@pytest.fixture(scope="session")
def load_file(load, tmp_path_factory):
    path = tmp_path_factory.mktemp("load") / "load.json"
    write_load(load, path)
    return path
