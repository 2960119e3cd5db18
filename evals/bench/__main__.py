"""`python -m evals.bench`: the commands without the rest of `samebytes`."""

from evals.bench.cli import app

if __name__ == "__main__":
    app(prog_name="python -m evals.bench")
