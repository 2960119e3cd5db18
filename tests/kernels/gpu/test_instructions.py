"""Compiles the kernels for a GPU without one, and reads the instructions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_compiled(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the kernels compiled, whatever this process does with them."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="Triton has wheels for Linux")
def test_no_kernel_contracts_flushes_or_approximates(tmp_path: Path) -> None:
    result = run_compiled(tmp_path, "-m", "evals.kernels.instructions")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("ok  ") == 23


@pytest.mark.skipif(sys.platform != "linux", reason="Triton has wheels for Linux")
def test_negative_control_a_launch_that_is_not_strict_contracts(tmp_path: Path) -> None:
    program = """
from kernels.gpu import norm
from evals.kernels.instructions import compile_kernel
constants = {"BLOCK": 1024, "ZERO": True}
report = compile_kernel(norm._rms_norm_quantize, constants, {"x_ptr": "*fp32"}, 4, 3, strict=False)
print(report.fma, report.strict)
"""
    result = run_compiled(tmp_path, "-c", program)
    assert result.returncode == 0, result.stderr
    contracted, strict = result.stdout.split()
    assert int(contracted) > 0
    assert strict == "False"
