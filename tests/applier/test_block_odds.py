"""How sure a block is depends on whether the file has another place for it."""

from pathlib import Path

from applier import Applier, EditFormat, EditRequest
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptTemplate
from tests.applier.test_window_rules import functions
from tests.pins.pinning import Planner

PLACE = ["    start(value)", "    check_all(value)", "    options = read(value)", "    finish(value)"]
RIVAL = [*PLACE[:2], "    options = write(value)", PLACE[3]]
MISREMEMBERED = [*PLACE[:2], "    option = xyz(value)", PLACE[3]]


def odds(second: list[str]) -> int:
    """Of a block whose text stands in one function, where another one holds `second`."""
    file = [*functions(20), "def run(value):", *PLACE, "", *functions(20, 20), "def rerun(value):", *second]
    new = [*PLACE[:2], "    options = None", PLACE[3]]
    edit = ["<<<<<<< SEARCH", *MISREMEMBERED, "=======", *new, ">>>>>>> REPLACE", ""]
    planner = Planner()
    info = ModelInfo(Path(), "", "", 0, 0.0, PromptTemplate(), None)
    original, edit_bytes = ("\n".join(lines).encode() for lines in (file, edit))
    request = EditRequest(original, edit_bytes, "a.py", format=EditFormat.SEARCH_REPLACE)
    Applier.from_engine(info, planner).apply(request)  # type: ignore[arg-type]
    (plan,) = planner.plans
    return plan.odds


def test_a_block_with_a_rival_place_is_trusted_less():
    assert odds(RIVAL) < odds(["    return value"])
