"""Dependencies between the packages point one way, and serving imports nothing that only training needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from graphlib import TopologicalSorter
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
    assert imported_packages("def f():\n    from training.corpus.mine import x\n    import evals.runs") == {
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


@pytest.mark.parametrize("module", ["applier.pipeline", "applier.processes.worker", "applier.server.workers"])
def test_what_only_places_edits_starts_without_the_arithmetic(module):
    script = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


# `applier/` from the ground up. What stands in one layer imports from the layers below it, and knows nothing
# of its neighbours: text, syntax, parse; five rooms; merge, engine; the story; the edges.
LAYERS = (
    ("types", "cancellation", "files", "deciders"),
    ("text", "receipt", "exits", "models"),
    ("syntax",),
    ("parse",),
    ("exact", "normalise", "locate", "align", "verify"),
    ("merge",),
    ("engine",),
    ("plan",),
    ("outcome",),
    ("request",),
    ("processes",),
    ("pipeline",),
    ("loading",),
    ("patches",),
    ("workspace",),
    ("api", "memo"),
    ("server",),
    ("http",),
    ("mcp",),
    ("cli",),
)
LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}
MOST_MODULES = 15
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ALLOWED
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imported_modules(path: Path) -> set[str]:
    """Modules of ours that a file imports anywhere in it, for type checkers too."""
    folder = path.relative_to(ROOT).parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(folder[: len(folder) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (start, node.module)))
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else base for name in names}
    return found & MODULES.keys()


IMPORTS = {name: imported_modules(path) for name, path in MODULES.items()}
SPLIT = {path.parents[1] for path in MODULES.values()}  # folders that have folders


def unit(name: str) -> str:
    """What a reader takes in at once: a folder; where it has folders in it, each of its modules."""
    path = MODULES[name]
    return name if path.parent in SPLIT else ".".join(path.relative_to(ROOT).parts[:-1])


def test_imports_of_every_kind_are_seen():
    assert "applier.merge.order" in IMPORTS["applier.engine.engine"]  # for type checkers
    assert "applier.engine.step_loop" in IMPORTS["applier.engine.engine"]  # in a function


def test_everything_in_the_applier_has_a_layer():
    rooms = {name.split(".")[1] for name in MODULES if name.startswith("applier.")}
    assert rooms - LAYER_OF.keys() == set()


def test_no_import_runs_upward_or_aside():
    wrong = []
    for name, targets in IMPORTS.items():
        if not name.startswith("applier."):
            continue
        room = name.split(".")[1]
        for target in targets:
            other = target.split(".")[1] if target.startswith("applier.") else None
            if target == "applier" or (other not in (None, room) and LAYER_OF[other] >= LAYER_OF[room]):
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_there_are_no_circles():
    graph: dict[str, set[str]] = {}
    for name, targets in IMPORTS.items():
        graph.setdefault(unit(name), set()).update({unit(target) for target in targets} - {unit(name)})
    with suppress(KeyError):
        del graph["applier"]  # the names it gives out are imported on use
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("package", ALLOWED)
def test_a_folder_holds_no_more_than_a_reader_can_survey(package):
    sizes = Counter(
        str(path.parent.relative_to(ROOT))
        for path in MODULES.values()
        if path.relative_to(ROOT).parts[0] == package and path.name != "__init__.py"
    )
    assert {folder: count for folder, count in sizes.items() if count > MOST_MODULES} == {}
