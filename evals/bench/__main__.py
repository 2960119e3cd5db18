"""`python -m evals.bench engine`, `identical` and `rival` where little is installed: torch, what the applier
needs, and transformers for the rival. The options are those of `samebytes eval bench`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.bench.load import read_load
from evals.bench.record import finish


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("engine", "rival", "identical"):
        command = commands.add_parser(name)
        command.add_argument("--load", type=Path, required=True)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--batch", type=int, action="append")
        command.add_argument("--seconds", type=float, default=8.0 if name == "engine" else 0.0)
    engine, rival = commands.choices["engine"], commands.choices["rival"]
    identical = commands.choices["identical"]
    for command in (engine, identical):
        command.add_argument("--model", type=Path, help="folder of the int8 model; default: that installed")
        command.add_argument("--backend", default="auto", choices=("auto", "reference", "cpu", "triton"))
    engine.add_argument("--threads", type=int)
    engine.add_argument("--processes", type=int, default=0)
    identical.add_argument("--identical", type=int, default=1000)
    identical.add_argument("--others", type=int, default=4000)
    identical.add_argument("--callers", type=int, default=64)
    identical.add_argument("--on-cpu", type=int, default=8)
    identical.add_argument("--seed", type=int, default=0)
    engine.add_argument("--in-threads", type=int, action="append")
    rival.add_argument("--model", required=True, help="Hugging Face folder or id, or that of --gguf-file")
    rival.add_argument("--gguf-file")
    rival.add_argument("--adapter")
    rival.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float16", "float32"))
    rival.add_argument("--device")
    rival.add_argument("--new-tokens", type=int, default=128)
    rival.add_argument("--most-prompt", type=int, default=1024)
    rival.add_argument("--lookup", type=int, default=10)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Measure, print the rows and write the record."""
    given = _parser().parse_args(argv)
    load = read_load(given.load)
    if given.command == "engine":
        from applier.types import Tier
        from evals.bench import engine
        from evals.bench.subject import open_applier

        applier = open_applier(given.model, given.backend, given.threads, given.processes)
        sizes, threads = given.batch or engine.BATCHES, given.in_threads or engine.THREADS
        edits = load.of_tier(Tier.MODEL)
        finish(engine.run_engine(applier, edits, sizes, threads, given.seconds), given.out)
    elif given.command == "identical":
        from applier.types import Tier
        from evals.bench.identical import run_identical

        edits = load.of_tier(Tier.MODEL)
        counts = (given.identical, given.others, given.callers, given.on_cpu, given.seed)
        finish(run_identical(given.model, given.backend, edits.edits, edits.source, *counts), given.out)
    else:
        from evals.bench import rival

        subject = rival.open_rival(given.model, given.gguf_file, given.adapter, given.dtype, given.device)
        limits = (given.new_tokens, given.most_prompt, given.lookup, given.seconds)
        finish(rival.run_rival(subject, load, given.batch or rival.BATCHES, *limits), given.out)


if __name__ == "__main__":
    main()
