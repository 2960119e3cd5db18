"""The commands, with the real exact tier behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reasoner import cli
from reasoner.apply import InProcess
from reasoner.capabilities import CAPABILITIES
from tests.reasoner.conftest import FILES
from tests.reasoner.test_loop import AFTER, BOTH, block, files
from tests.reasoner.wire.providers import Model, chat_completions
from tests.reasoner.wire.server import WireServer


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch, applier: InProcess) -> None:
    monkeypatch.setattr(InProcess, "default", lambda model=None: applier)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def edit(root: Path, reply: str, *more: str | Path) -> Result:
    path = root.parent / "reply.md"
    path.write_text(reply)
    paths = [root / "app.py", root / "util.py"]
    return invoke(
        "edit", "make it two", "--backend", f"reply-file:{path}", "--root", root, "--files", *paths, *more
    )


def test_edit_shows_the_diffs_and_writes(root: Path) -> None:
    result = edit(root, BOTH)
    assert result.exit_code == 0, result.output
    assert files(root) == AFTER
    for line in ("-    return 1", "+    return 2", "+++ b/util.py", "wrote app.py, util.py", "ledger head "):
        assert line in result.output


def test_replay_proves_what_edit_did(root: Path) -> None:
    edit(root, BOTH)
    ledger = root / ".samebytes" / "ledger.sqlite"
    result = invoke("replay", ledger)
    assert result.exit_code == 0
    assert "2 edits replayed, every byte equal" in result.output
    report = json.loads(invoke("replay", ledger, "--json").output)
    assert report["difference"] is None
    assert invoke("replay", ledger, "--head", report["head"]).exit_code == 0
    assert invoke("replay", ledger, "--head", "0" * 64).exit_code == 1


def test_a_refused_edit_ends_with_3_and_writes_nothing(root: Path) -> None:
    result = edit(root, BOTH.replace("util.one()", "nope()"), "--rounds", "1")
    assert result.exit_code == 3
    assert "nothing was written; not applied:" in result.output
    assert (root / ".samebytes/.gitignore").read_text() == "*\n"
    assert files(root) == FILES


def test_a_dry_run_shows_and_does_not_write(root: Path) -> None:
    result = edit(root, BOTH, "--dry-run")
    assert result.exit_code == 0
    assert "dry run: would write app.py, util.py" in result.output
    assert files(root) == FILES


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["edit", "t", "--backend", "opnai:m", "--files", "x"], 2, "did you mean 'openai'"),
        (["edit", "t", "--backend", "reply-file:/none", "--files", "x"], 2, "cannot read /none"),
        (["edit", "t", "--backend", "recorded:/none", "--files", "x"], 1, "no ledger at"),
        (["replay", "/none"], 1, "no ledger at"),
        (["replay", "x", "--apply", "http://x"], 2, "write grpc://HOST:PORT"),
        (["probe-seed", "--backend", "vllm:m", "--base-url", "http://127.0.0.1:9/v1"], 5, "no connection"),
    ],
)
def test_errors_are_a_line_and_an_exit_code(
    arguments: list[str], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert (result.exit_code, message in result.output, result.output.count("\n")) == (code, True, 1), (
        result.output
    )


def test_files_outside_the_root_are_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x\n")
    result = edit(root, BOTH, tmp_path / "outside.py")
    assert result.exit_code == 2
    assert "is not a path inside" in result.output


def test_a_models_text_does_not_drive_the_terminal(root: Path) -> None:
    result = edit(root, block("util.py", "    return 1", "    return '\x1b]0;owned\x07[red]'"))
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\\x1b]0;owned\\x07[red]" in result.output


def test_the_readme_has_the_same_table() -> None:
    readme = (Path(__file__).parents[2] / "reasoner" / "README.md").read_text()
    for row in CAPABILITIES:
        assert f"| `{row.name}` | {row.title} | {row.seed} | {row.tried} |\n" in readme


def test_backends_prints_every_row() -> None:
    table = invoke("backends").output
    rows = json.loads(invoke("backends", "--json").output)
    assert [row["name"] for row in rows] == [capability.name for capability in CAPABILITIES]
    for row in rows:
        assert row["name"] in table
        assert row["seed"] in ("contract", "best effort", "ignored", "rejected")
    assert {row["name"]: row["seed"] for row in rows}["anthropic"] == "rejected"


def test_probe_seed_says_what_a_server_does(tmp_path: Path) -> None:
    count = iter(range(10_000))
    cases = {
        "honoured": (lambda seed: f"reply to {seed if seed is not None else next(count)}", 0),
        "ignored": (lambda seed: f"reply {next(count)}", 1),
        "best effort": (lambda seed: f"{seed}" if next(count) % 8 else f"{seed} {next(count)}", 0),
        "inconclusive": (lambda seed: "always this", 0),
    }
    for verdict, (say, code) in cases.items():
        with WireServer(chat_completions(Model(say), key=None)) as server:
            result = invoke("probe-seed", "-b", "vllm:m", "--base-url", server.url + "/v1", "-n", 6, "--json")
        report = json.loads(result.output)
        assert (report["verdict"], result.exit_code) == (verdict, code), report
        if report["test"]:
            assert (report["test"]["p_value"] < 0.01) == (verdict in ("honoured", "best effort"))


def test_probe_seed_sees_a_refusal_and_a_backend_without_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.reasoner.wire import providers

    def answer(seen):
        if "seed" in seen.body:
            message = "Unsupported parameter: 'seed' is not supported with this model."
            return providers.openai_error(400, message, "seed", "unsupported_parameter")
        return providers.chat_reply(Model(), seen)

    with WireServer(answer) as server:
        result = invoke("probe-seed", "-b", "vllm:m", "--base-url", server.url + "/v1")
    assert "rejected: the server refuses the seed" in result.output
    monkeypatch.setenv("ANTHROPIC_API_KEY", providers.KEY)
    with WireServer(providers.anthropic(Model())) as server:
        result = invoke("probe-seed", "-b", "anthropic:m", "--base-url", server.url)
    assert "rejected: Anthropic Messages has no seed; none was sent" in result.output
    assert result.exit_code == 0


def test_probe_seed_says_when_there_are_too_few_calls() -> None:
    with WireServer(chat_completions(Model(lambda seed: str(seed)), key=None)) as server:
        result = invoke("probe-seed", "-b", "vllm:m", "--base-url", server.url + "/v1", "-n", 3)
    assert "inconclusive: 3 calls a group cannot reach p < 0.01" in result.output


def test_recover_has_nothing_to_do(root: Path) -> None:
    assert invoke("recover", root).output == "nothing to recover\n"
