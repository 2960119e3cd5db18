"""Before/snippet/after triples, as folders of three files or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from applier.syntax.languages import language_for_path
from applier.types import EditFormat
from evals.cases.case import Case, Category

BEFORE = ("before", "original", "source")
SNIPPET = ("snippet", "update", "edit", "lazy")
AFTER = ("after", "expected", "merged", "final")

_JSON_KEYS = (
    ("original_code", "update_snippet", "final_code"),
    ("before", "snippet", "after"),
    ("original", "update", "merged"),
)


def _case(id: str, name: str, before: bytes, snippet: bytes, after: bytes, source: str) -> Case:
    return Case(
        id=id,
        category=Category.IMPORTED,
        language=language_for_path(name) or "text",
        path=name,
        format=EditFormat.AUTO,
        original=before,
        edit=snippet,
        expected=after,
        source=source,
    )


def _member(folder: Path, stems: tuple[str, ...]) -> Path | None:
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.split(".")[0] in stems]
    return found[0] if len(found) == 1 else None


def _folders(root: Path) -> Iterator[Case]:
    for folder in sorted(path for path in [root, *root.rglob("*")] if path.is_dir()):
        before, snippet, after = (_member(folder, stems) for stems in (BEFORE, SNIPPET, AFTER))
        if before and snippet and after:
            suffix = before.suffix or after.suffix
            name = f"file{suffix}"
            id = folder.relative_to(root).as_posix() if folder != root else root.name
            yield _case(id, name, before.read_bytes(), snippet.read_bytes(), after.read_bytes(), str(folder))


def _from_json(record: dict[str, Any], id: str, source: str) -> Case | None:
    for keys in _JSON_KEYS:
        if all(isinstance(record.get(key), str) for key in keys):
            before, snippet, after = (record[key].encode() for key in keys)
            name = record.get("path") or record.get("file_path") or record.get("filename") or "file.txt"
            return _case(str(record.get("id", id)), name, before, snippet, after, source)
    return None


def load(root: Path) -> Iterator[Case]:
    """Every triple below `root`."""
    yield from _folders(root)
    for path in sorted(root.rglob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{path.relative_to(root).as_posix()}:{number}"
            case = _from_json(json.loads(line), where, str(path))
            if case is not None:
                yield case
