"""What an install holds: serving without torch, sources to compile, and no other package of our names."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from kernels.native import SOURCES

ROOT = Path(__file__).parents[1]
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it raises ImportError
from kernels.selftest.run import run_selftest
from applier import Applier
import applier.cli.serve, applier.server.run
assert all(check.passed for check in run_selftest())
"""


def test_serving_takes_no_torch():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [name for name in project["dependencies"] if name.startswith(("torch", "triton"))]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_another_package_named_kernels_is_an_error(tmp_path):
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "__init__.py").write_text("")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import applier"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode
    assert "is not the package `kernels` of samebytes" in done.stderr


def test_the_sources_of_a_wheel_are_there():
    assert all((ROOT / source).is_file() for source in SOURCES)


def test_the_version_is_told():
    command = [sys.executable, "-m", "applier.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("samebytes ")
