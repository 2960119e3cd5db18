"""Scenario folders: files before, one edit that may name several of them, files after.

The V4A shape is `input/`, `patch.txt` and `expected/`; the aider shape is `before/`, `reply.md` and `after/`.
Every file that the edit updates becomes a case of its own. A scenario whose files do not change is one that
must be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from applier.syntax.languages import language_for_path
from applier.types import EditFormat, RefusalReason
from evals.cases.case import Case, Category
from evals.cases.importers.sections import block_sections, v4a_sections

BEFORE = ("input", "before", "original")
AFTER = ("expected", "after", "output")
EDIT = ("patch", "reply", "edit", "blocks")

# A foreign scenario says that the edit fails, not why.
_ANY_REASON = frozenset(RefusalReason)


def _folder(parent: Path, names: tuple[str, ...]) -> Path | None:
    return next((parent / name for name in names if (parent / name).is_dir()), None)


def _edit_file(parent: Path) -> Path | None:
    files = [p for p in sorted(parent.iterdir()) if p.is_file() and p.name.split(".")[0] in EDIT]
    return files[0] if len(files) == 1 else None


def _sections(text: str) -> tuple[EditFormat, dict[str, str] | None]:
    if "*** Begin Patch" in text or "*** Update File:" in text:
        return EditFormat.V4A, v4a_sections(text)
    return EditFormat.SEARCH_REPLACE, block_sections(text)


def _scenario(root: Path, folder: Path, before: Path, edit: Path, after: Path) -> Iterator[Case]:
    format, sections = _sections(edit.read_bytes().decode("utf-8", "surrogateescape"))
    for path, text in (sections or {}).items():
        original = before / path
        if not original.is_file():
            names = [p for p in sorted(before.rglob("*")) if p.is_file()]
            if path or len(names) != 1:
                continue
            original = names[0]
        name = original.relative_to(before).as_posix()
        result = after / name
        old = original.read_bytes()
        new = result.read_bytes() if result.is_file() else None
        unchanged = new is None or new == old
        yield Case(
            id=f"{folder.relative_to(root).as_posix()}/{name}",
            category=Category.IMPORTED,
            language=language_for_path(name) or "text",
            path=name,
            format=format,
            original=old,
            edit=text.encode("utf-8", "surrogateescape"),
            expected=new,
            refusals=_ANY_REASON if unchanged else frozenset(),
            source=str(folder),
        )


def load(root: Path) -> Iterator[Case]:
    """Every scenario below `root`, without those that add, delete or move files: they edit none."""
    for folder in sorted(path for path in [root, *root.rglob("*")] if path.is_dir()):
        before, edit, after = _folder(folder, BEFORE), _edit_file(folder), _folder(folder, AFTER)
        if before and edit and after:
            yield from _scenario(root, folder, before, edit, after)
