"""A small history to mine."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest


def git(repository: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
        cwd=repository,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three files, changed in twelve commits."""
    folder = tmp_path / "repositories" / "sample"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "LICENSE").write_text("Permission is hereby granted, free of charge, to any person\n")
    texts = {
        f"part_{name}.py": [
            line
            for n in range(12)
            for line in (f"def {name}_{n}(a):", f"    total = a + {n}", f"    return total * {n + 2}", "")
        ]
        for name in ("alpha", "beta", "gamma")
    }
    rng = random.Random(0)
    for commit in range(13):
        for name, lines in texts.items():
            if commit:
                at = 4 * rng.randrange(12) + 1
                lines[at] = lines[at] + f" + {commit}"
            (folder / name).write_text("\n".join(lines) + "\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"Change {commit}")
    return folder
