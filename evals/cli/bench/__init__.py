"""`samebytes eval bench`: speed and load. Also `python -m evals.bench`, which needs fewer packages."""

from evals.cli.bench import inside, prepare, servers, sweeps
from evals.cli.bench.app import app

__all__ = ["app", "inside", "prepare", "servers", "sweeps"]
