"""Settings for all tests."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings

# Read when Triton is imported, which torch's compiler does too: so before any test is.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

# A loaded machine must not fail a test, and the same commit must be tested in the same way everywhere.
settings.register_profile("samebytes", deadline=None, derandomize=True)
settings.load_profile("samebytes")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a skipped test fails the run")


def pytest_sessionfinish(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--fail-on-skip") and terminal and terminal.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
