"""The pages that a newcomer reads first name what exists, and the map leaves no module out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.test_layout import LAYERS

ROOT = Path(__file__).resolve().parents[1]
MAP = ROOT / "docs/architecture.md"
MAPPED = ("applier", "kernels")  # the packages that the map goes through module by module
SUMMED_UP = {"align", "merge"}  # rooms of `applier` that it describes in prose
NAMED = re.compile(r"`([\w./-]*\w(?:\.(?:py|c|md|json|toml|yaml|txt|proto)|/))`")
IDENTIFIER = re.compile(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\([^`]*\))?(?: -> \w+)?`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split()]


def places(name: str, room: str = "") -> list[Path]:
    """What a name may mean: from the root, in a package, or in the room that its section is about."""
    bases = [ROOT, *(ROOT / package for package in (*MAPPED, "evals", "training")), ROOT / "applier" / room]
    return [base / name for base in bases if (base / name).exists()]


def rows(page: str) -> list[tuple[str, str]]:
    """(room, first cell) of every table row; the room is that of a heading such as "### `text/`: ..."."""
    room, out = "", []
    for line in page.splitlines():
        if line.startswith("#"):
            found = re.search(r"`(\w+)/`", line)
            room = found[1] if found else ""
        elif line.startswith("| "):
            out.append((room, line.split("|")[1]))
    return out


@pytest.mark.parametrize(
    "page", ["docs/architecture.md", "CONTRIBUTING.md", "README.md", "training/README.md"]
)
def test_pages_name_only_what_exists(page):
    room, missing = "", []
    for line in (ROOT / page).read_text("utf-8").splitlines():
        if line.startswith("#"):
            room = next(iter(NAMED.findall(line)), "")
        for name in NAMED.findall(line):
            near = list(ROOT.glob(f"*/**/{name}")) if "/" not in name.rstrip("/") else []
            if not places(name, room) and not near:
                missing.append(name)
    assert missing == []


def test_the_map_has_a_line_for_every_module():
    named = {
        path.resolve()
        for room, cell in rows(MAP.read_text("utf-8"))
        for name in NAMED.findall(cell)
        for path in places(name, room)
    }
    missing = [
        str(path.relative_to(ROOT))
        for package in MAPPED
        for path in tracked(f"{package}/**.py")
        if path.name not in ("__init__.py", "__main__.py")
        and not SUMMED_UP & set(path.parts)
        and "v1" not in path.parts
        and not {path, *path.parents} & named
    ]
    assert missing == [], f"give each a line in {MAP.relative_to(ROOT)}"


def test_the_map_speaks_of_names_that_the_code_has():
    code = "\n".join(path.read_text("utf-8") for package in MAPPED for path in tracked(f"{package}/**.py"))
    names = {part for name in IDENTIFIER.findall(MAP.read_text("utf-8")) for part in name.split(".")}
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


def test_the_map_draws_the_layers_as_they_are():
    there = {path.stem for path in (ROOT / "applier").iterdir()}
    wanted = ["  ".join(name for name in layer if name in there) for layer in reversed(LAYERS)]
    drawn = re.findall(r"^ {4}(\w+(?:  \w+)*)(?= {3}|$)", MAP.read_text("utf-8"), re.MULTILINE)
    assert drawn == [row for row in wanted if row]


def test_links_between_pages_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("*.md")
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
