"""`samebytes train`: every step of training, or those of a first model for one's own repositories."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from training.config import TrainConfig, load_config

app = typer.Typer(help="Make the apply model from git histories.", no_args_is_help=True)

Roots = Annotated[list[Path], typer.Option("--root", help="Folder that holds clones of the repositories.")]
Work = Annotated[Path, typer.Option("--work", help="Folder of intermediate files; a run resumes from it.")]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file with [mine], [tokenize], [fit].")]
Base = Annotated[Path, typer.Option("--base", help="Base model: a .gguf file or a Hugging Face folder.")]


@app.callback()
def _root() -> None:
    """Every step keeps what it finished: run it again to go on."""


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True),
    )  # fmt: skip


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=1))


@app.command()
def mine(
    sources: Annotated[Path, typer.Option(help="TOML file that lists repositories by purpose.")],
    root: Roots,
    work: Work,
    purpose: Annotated[str, typer.Option(help="Which list of the file to mine.")] = "train",
    config: Config = None,
) -> None:
    """Mine edits from the repositories that a list names; print their manifest."""
    names = tomllib.loads(sources.read_text("utf-8"))[purpose]
    mine_all(names, root, work / "index" / purpose, load_config(config))
    _print_json(json.loads((work / "index" / purpose / "manifest.json").read_text()))


def mine_all(names: list[str], roots: list[Path], index: Path, config: TrainConfig) -> None:
    """Mines every repository that has a copy and writes the manifest beside the indices."""
    from training.corpus.git import GitError
    from training.corpus.mine import find_repository, mine_to_index

    index.mkdir(parents=True, exist_ok=True)
    entries = []
    with _bar() as bar:
        task = bar.add_task("mine", total=len(names))
        for name in names:
            file = index / f"{name.replace('/', '+')}.jsonl"
            try:
                entry = mine_to_index(
                    find_repository(roots, name), name, file, **dataclasses.asdict(config.mine)
                )
                entries.append(dataclasses.asdict(entry))
            except GitError as error:
                bar.console.print(f"[yellow]{name} left out:[/] {error}")
            bar.advance(task)
    (index / "manifest.json").write_text(json.dumps(entries, indent=1) + "\n")


@app.command()
def synth(
    root: Roots,
    work: Work,
    purpose: str = "train",
    count: Annotated[int, typer.Option(help="Cases to show.")] = 3,
    seed: int = 1,
) -> None:
    """Print cases as a model would write them, to look at."""
    from training.corpus.mine import find_repository, load_pairs
    from training.samples.tokenize import iter_cases

    shown = 0
    for index in sorted((work / "index" / purpose).glob("*.jsonl")):
        pairs = load_pairs(index)[: max(1, count)]
        for pair, _, case in iter_cases(find_repository(root, pairs[0].repository), pairs, seed):
            typer.secho(f"{pair.repository} {pair.path} {' '.join(case.tags)}", bold=True)
            typer.echo(case.edit)
            shown += 1
            if shown >= count:
                return


@app.command()
def tokenize(root: Roots, work: Work, base: Base, purpose: str = "train", config: Config = None) -> None:
    """Turn mined edits into shards of samples."""
    tokenize_all(root, work, base, purpose, load_config(config), jitter=purpose == "train")


def tokenize_all(
    roots: list[Path], work: Path, base: Path, purpose: str, config: TrainConfig, *, jitter: bool
) -> int:
    """All indices of a purpose into `samples/<purpose>`; the number of new samples."""
    from kernels.derive.checkpoint import open_checkpoint
    from training.samples.tokenize import TokenizeSettings, tokenize_folder

    tokenizer = work / "tokenizer.json"
    tokenizer.write_bytes(open_checkpoint(base).tokenizer_json())
    fields = dataclasses.asdict(config.tokenize)
    workers = fields.pop("workers")
    settings = TokenizeSettings(tokenizer, tuple(roots), jitter=jitter, **fields)
    indices = sorted((work / "index" / purpose).glob("*.jsonl"))
    total = 0
    with _bar() as bar:
        task = bar.add_task(f"tokenize {purpose}", total=len(indices))

        def done(_: str, count: int) -> None:
            nonlocal total
            total += count
            bar.advance(task)

        tokenize_folder(indices, work / "samples" / purpose, settings, workers, done)
    return total


@app.command()
def fit(
    run: Annotated[Path, typer.Argument(help="JSON file of training.lora.fit.FitRun.")],
) -> None:
    """Fine-tune with one worker. For several: `torchrun --nproc-per-node N -m training.lora.fit RUN.json`."""
    from training.lora.fit import main

    main(str(run))


@app.command()
def export(
    base: Base,
    adapter: Annotated[Path, typer.Option(help="adapter.safetensors of a run.")],
    out: Annotated[Path, typer.Option(help="Folder of the served model.")],
) -> None:
    """Merge base and adapter exactly into the int8 model; print the hashes to pin."""
    from kernels.derive.convert import convert_base

    folder = convert_base(base, out, adapter)
    _print_json(json.loads((folder / "manifest.json").read_text()))


@app.command()
def card(
    work: Work,
    scores: Annotated[Path, typer.Option(help="scores.json of a run.")],
    purpose: str = "heldout",
) -> None:
    """Print the model card's figures by language and by habit."""
    from training.card import model_card

    typer.echo(model_card(work, scores, purpose))


@app.command(name="all")
def everything(
    repo: Annotated[list[Path], typer.Option("--repo", help="A repository of your own; repeatable.")],
    base: Base,
    work: Work,
    out: Annotated[Path, typer.Option(help="Folder of the served model.")],
    config: Config = None,
    device: str = "cpu",
) -> None:
    """The whole pipeline on repositories of your own: their newest twentieth of edits is held out."""
    from kernels.derive.convert import convert_base
    from training.corpus.split import hold_out
    from training.lora.fit import FitRun, main

    settings = load_config(config)
    work.mkdir(parents=True, exist_ok=True)
    roots = [path.resolve().parent for path in repo]
    mine_all([path.resolve().name for path in repo], roots, work / "index" / "train", settings)
    hold_out(work / "index" / "train", work / "index" / "validation")
    for purpose in ("train", "validation"):
        tokenize_all(roots, work, base, purpose, settings, jitter=purpose == "train")
    run = FitRun(
        base=str(base),
        samples=str(work / "samples" / "train"),
        validation={"validation": str(work / "samples" / "validation")},
        out=str(work / "fit"),
        config=settings.fit,
        device=device,
    )
    path = work / "run.json"
    path.write_text(json.dumps(dataclasses.asdict(run), indent=1) + "\n")
    main(str(path))
    convert_base(base, out, work / "fit" / "adapter.safetensors")
    typer.echo(f"the model is in {out}")
