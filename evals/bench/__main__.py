"""`python -m evals.bench COMMAND` where little is installed: torch, what the applier needs, and transformers
for the rival. The options are those of `samebytes eval bench`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from evals.bench.harness.load import Load, read_load
from evals.bench.harness.plot import finish
from evals.bench.harness.record import record, tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("engine", "identical", "file-size", "large-file", "edit-size", "rival"):
        command = commands.add_parser(name)
        command.add_argument("--load", type=Path, required=True)
        command.add_argument("--out", type=Path, required=True)
        if name == "rival":
            continue
        command.add_argument("--model", type=Path, help="folder of the int8 model; default: that installed")
        command.add_argument("--backend", default="auto", choices=("auto", "reference", "cpu", "triton"))
        command.add_argument("--threads", type=int)
        command.add_argument("--processes", type=int, default=0)
        command.add_argument("--repeats", type=int, default=5)
    engine, identical, rival = (commands.choices[name] for name in ("engine", "identical", "rival"))
    for command, seconds in ((engine, 8.0), (rival, 0.0)):
        command.add_argument("--batch", type=int, action="append")
        command.add_argument("--seconds", type=float, default=seconds)
    engine.add_argument("--in-threads", type=int, action="append")
    identical.add_argument("--times", type=int, default=1000)
    identical.add_argument("--others", type=int, default=4000)
    identical.add_argument("--callers", type=int, default=64)
    identical.add_argument("--on-cpu", type=int, default=8)
    identical.add_argument("--seed", type=int, default=0)
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
    run = _rival if given.command == "rival" else _identical if given.command == "identical" else _in_process
    finish(run(given, load), given.out)


def _in_process(given: argparse.Namespace, load: Load) -> dict[str, Any]:
    from applier.types import Tier
    from evals.bench import engine, large_file, sizes
    from evals.bench.harness.subject import open_applier

    applier = open_applier(given.model, given.backend, given.threads, given.processes)
    if given.command == "engine":
        batches, threads = given.batch or engine.BATCHES, given.in_threads or engine.THREADS
        return engine.run_engine(applier, load.of_tier(Tier.MODEL), batches, threads, given.seconds)
    if given.command == "large-file":
        size, count = large_file.LARGE, large_file.MOST_EDITS
        return large_file.run_large_file(applier, load, size, count, given.repeats, tell)
    if given.command == "file-size":
        rows = sizes.file_sizes(applier, load, sizes.FILE_SIZES, given.repeats, tell)
    else:
        rows = sizes.edit_sizes(applier, sizes.EDIT_LINES, given.repeats, tell)
    settings = {"load": load.source, "repeats": given.repeats}
    return record(given.command, "in process", settings, rows)


def _identical(given: argparse.Namespace, load: Load) -> dict[str, Any]:
    from applier.types import Tier
    from evals.bench.identical import run_identical

    edits = load.of_tier(Tier.MODEL)
    counts = (given.times, given.others, given.callers, given.on_cpu, given.seed, given.processes)
    return run_identical(given.model, given.backend, edits.edits, edits.source, *counts)


def _rival(given: argparse.Namespace, load: Load) -> dict[str, Any]:
    from evals.bench import rival

    subject = rival.open_rival(given.model, given.gguf_file, given.adapter, given.dtype, given.device)
    limits = (given.new_tokens, given.most_prompt, given.lookup, given.seconds)
    return rival.run_rival(subject, load, given.batch or rival.BATCHES, *limits)


if __name__ == "__main__":
    main()
