"""Dependencies between the packages point one way, and serving imports nothing that only training needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each package may import of the others.
ALLOWED = {
    "kernels": set(),
    "applier": {"kernels"},
    "training": {"kernels", "applier"},
    "reasoner": {"kernels", "applier"},
    "evals": {"kernels", "applier", "training", "reasoner"},
}
TRAINING_ONLY = {"transformers", "peft", "datasets", "accelerate"}


def imported_packages(source: str) -> set[str]:
    """Top-level packages that a module imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_is_below_them(package):
    wrong = {
        str(path.relative_to(ROOT)): sorted(others)
        for path in sorted((ROOT / package).rglob("*.py"))
        if (
            others := imported_packages(path.read_text("utf-8"))
            & (ALLOWED.keys() - ALLOWED[package] - {package})
        )
    }
    assert wrong == {}


def test_the_import_check_sees_imports_inside_functions():
    assert imported_packages("def f():\n    from training.corpus.mine import x\n    import evals.run") == {
        "training",
        "evals",
    }


@pytest.mark.parametrize("package", ["kernels", "applier"])
def test_what_serves_never_names_a_training_library(package):
    wrong = {
        str(path.relative_to(ROOT)): sorted(named)
        for path in sorted((ROOT / package).rglob("*.py"))
        if (named := imported_packages(path.read_text("utf-8")) & TRAINING_ONLY)
    }
    assert wrong == {}


def test_importing_every_served_module_loads_no_training_library():
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "applier").rglob("*.py")
        if path.name not in ("__main__.py", "generate.py")
        and path.parts[-2:] != ("ray", "app.py")  # needs the extra `ray`
    )
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(sorted({TRAINING_ONLY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_the_command_line_starts_without_the_arithmetic():
    script = "import sys, applier.cli.main; print('torch' in sys.modules, 'grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False False"


# The rooms of `applier/` from the ground up: a module imports from lower floors, and a room of a floor knows
# none of the others on it. Above them is the story: pipeline, request, plan, outcome.
FLOORS = (
    ("types",),
    ("text",),
    ("syntax",),
    ("parse",),
    ("exact", "normalise", "locate", "align", "verify"),
    ("merge",),
    ("engine",),
)
GROUND = ("types", "cancellation", "receipt")  # modules beside the rooms that any of them may import
EDGES = ("api", "server", "cli", "memo", "processes", "models", "http", "mcp")
MOST_MODULES = 15


def imports_of(path: Path) -> set[str]:
    """The rooms, or top-level modules, of `applier` that a file of it imports when it is loaded or later."""
    package = path.relative_to(ROOT).parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            target = (*base, *(node.module or "").split(".")) if node.module else base
            targets = [target] if len(target) > 1 else [(*target, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            targets = [tuple(alias.name.split(".")) for alias in node.names]
        else:
            continue
        found |= {target[1] for target in targets if target[0] == "applier" and len(target) > 1}
    return found


def test_rooms_import_only_from_lower_floors():
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    wrong = {}
    for room, floor in floor_of.items():
        for path in sorted((ROOT / "applier" / room).rglob("*.py")):
            upward = {
                other
                for other in imports_of(path) - {room, *GROUND}
                if floor_of.get(other, len(FLOORS)) >= floor
            }
            if upward:
                wrong[str(path.relative_to(ROOT))] = sorted(upward)
    assert wrong == {}


def test_the_story_does_not_know_its_faces():
    faces = {"api", "server", "cli", "memo", "http", "mcp"}
    story = ("pipeline", "request", "plan", "outcome", "receipt", "types")
    assert {name: found for name in story if (found := imports_of(ROOT / f"applier/{name}.py") & faces)} == {}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_folder_holds_no_more_than_a_reader_can_survey(package):
    folders = {path.parent for path in (ROOT / package).rglob("*.py") if "v1" not in path.parts}
    sizes = {
        str(folder.relative_to(ROOT)): count
        for folder in sorted(folders)
        if (count := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > MOST_MODULES
    }
    assert sizes == {}
