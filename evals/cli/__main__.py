"""`python -m evals.cli`."""

from evals.cli import app

app()
