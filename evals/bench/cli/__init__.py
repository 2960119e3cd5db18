"""`samebytes eval bench`: speed and load. Also `python -m evals.bench`, which needs fewer packages."""

from evals.bench.cli import inside, prepare, servers, sweeps
from evals.bench.cli.app import app

__all__ = ["app", "inside", "prepare", "servers", "sweeps"]
