"""Every example is run as its README says."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from applier.models import load_manifest, model_folder
from evals.bench.harness.process import serving
from tests.training.conftest import repository  # noqa: F401 (a fixture)
from tests.training.toy import toy_checkpoint

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MERGED = hashlib.sha256((EXAMPLES / "job_queue.merged").read_bytes()).hexdigest()


def run(*command: str | Path) -> str:
    """What an example prints; it must end well. Its programs are those of this environment."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": programs, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def model() -> None:
    if not model_folder(load_manifest().name).is_dir():
        pytest.skip("needs the fine-tuned model: samebytes model fetch")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of `samebytes serve` with the default model."""
    if not model_folder(load_manifest().name).is_dir():
        pytest.skip("needs the fine-tuned model: samebytes model fetch")
    with serving() as served:
        yield served.target


def test_every_example_is_listed_and_run():
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert set(re.findall(r"\]\(([\w-]+)/\)", (EXAMPLES / "README.md").read_text("utf-8"))) == folders
    here = Path(__file__).read_text("utf-8")
    assert {name for name in folders if f'EXAMPLES / "{name}' not in here} == set()


def test_the_command_line(model):
    shown = run(EXAMPLES / "cli/run.sh")
    assert shown.count(f"\n{MERGED}\n{MERGED}\n") == 1
    assert "\nalready_applied\n" in shown
    assert "no_match" in shown
    assert shown.endswith("exit code 3\n")


def test_python(model):
    shown = run(sys.executable, EXAMPLES / "python/apply_edit.py")
    assert "applied, model tier, confidence 0.9" in shown
    assert f"result  {MERGED}" in shown
    assert "refused: no_match" in shown
    assert shown.endswith("exact tier only: no_model\n")


def check_client(shown: str) -> None:
    digests = re.findall(r"^edit (\d) (\w{64})$", shown, re.MULTILINE)
    assert digests == [(str(number), MERGED) for number in range(3)]
    assert f"STATUS_APPLIED TIER_MODEL {MERGED}" in shown
    assert re.search(r"^fingerprint \w{64}$", shown, re.MULTILINE)


def test_grpc_in_python(server):
    check_client(run(sys.executable, EXAMPLES / "grpc-python/client.py", server))


def test_grpc_in_node(server):
    folder = EXAMPLES / "grpc-node"
    if shutil.which("node") is None or not (folder / "node_modules").is_dir():
        pytest.skip("needs Node.js, and `npm install` in examples/grpc-node")
    check_client(run("node", folder / "client.mjs", server))


def test_the_two_model_loop():
    shown = run(EXAMPLES / "two-models/run.sh")
    assert "refused test_ring.py: no_match" in shown
    assert "wrote ring.py, test_ring.py" in shown
    assert "3 edits replayed, every byte equal" in shown
    assert "2 passed" in shown


def test_an_audit_tells_batch_variance(tmp_path):
    shown = run(EXAMPLES / "audit/run.sh", tmp_path)
    row = next(line for line in shown.splitlines() if line.startswith("| Batch variance"))
    assert [cell.split("**")[1] for cell in row.split("|")[2:4]] == ["not found", "found"]


def test_training_on_a_repository_of_ones_own(repository, tmp_path):  # noqa: F811
    settings = (EXAMPLES / "own-repository/settings.toml").read_text("utf-8")
    small = tmp_path / "settings.toml"
    small.write_text(settings.replace("steps = 40", "steps = 10").replace("rank = 8", "rank = 4"))
    base, work = toy_checkpoint(tmp_path / "base"), tmp_path / "work"
    shown = run(EXAMPLES / "own-repository/run.sh", repository, base, work, small)
    assert "sample part_" in shown
    assert (work / "model/model.safetensors").is_file()
    assert re.fullmatch(r"\w{64}", shown.split()[-1])
