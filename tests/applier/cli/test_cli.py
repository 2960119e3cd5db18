"""The command line, run in process: its exit codes, what it prints, and what it leaves alone."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from applier import exits
from applier.cli.commands import COMMANDS
from applier.cli.main import load_command, main
from tests.applier.appliers import FaultyApplier

OLD, NEW = b"x = 1\n", b"x = 2\n"
BLOCK = b"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """A folder with a file and an edit in it, as the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("applier.loading.load_applier", lambda model: FaultyApplier())
    (tmp_path / "a.py").write_bytes(OLD)
    (tmp_path / "edit").write_bytes(BLOCK)
    return tmp_path


def samebytes(*args: str) -> int:
    """Run a command and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(list(args))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_apply_shows_the_result_and_leaves_the_file(workspace, capsys):
    assert samebytes("apply", "a.py", "--edit", "edit") == exits.DONE
    printed = capsys.readouterr().out
    assert "applied (not written" in printed
    assert hashlib.sha256(NEW).hexdigest() in printed
    assert (workspace / "a.py").read_bytes() == OLD


def test_apply_write_replaces_the_file(workspace):
    assert samebytes("apply", "a.py", "--edit", "edit", "--write") == exits.DONE
    assert (workspace / "a.py").read_bytes() == NEW


def test_apply_json_holds_every_field(workspace, capsys):
    assert samebytes("apply", "a.py", "--edit", "edit", "--json") == exits.DONE
    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["content"], result["written"]) == ("applied", NEW.decode(), False)
    assert result["receipt"]["result_sha256"] == hashlib.sha256(NEW).hexdigest()


def test_apply_json_gives_other_encodings_as_base64(workspace, capsys):
    (workspace / "a.py").write_bytes("x = 1\n".encode("utf-16"))
    samebytes("apply", "a.py", "--edit", "edit", "--json")
    result = json.loads(capsys.readouterr().out)
    assert "content" not in result
    assert base64.b64decode(result["content_base64"]) == "x = 2\n".encode("utf-16")


def test_a_refused_edit_exits_3_and_leaves_the_file(workspace, capsys):
    (workspace / "edit").write_bytes(b"")
    assert samebytes("apply", "a.py", "--edit", "edit", "--write") == exits.REFUSED
    assert "empty_edit" in capsys.readouterr().out
    assert (workspace / "a.py").read_bytes() == OLD


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["apply", "missing.py", "--edit", "edit"], exits.USAGE, "no such file"),
        (["apply", ".", "--edit", "edit"], exits.USAGE, "a folder"),
        (["apply", "../a.py", "--edit", "edit"], exits.USAGE, "no such file"),
        (["apply", "/etc/hostname", "--edit", "edit"], exits.REFUSED, "--root"),
        (["apply", "a.py", "--edit", "missing"], exits.USAGE, "No such file"),
        (["apply", "a.py"], exits.USAGE, "--edit"),
        (["apply", "a.py", "--edit", "edit", "--format", "prose"], exits.USAGE, "prose"),
        (["apply", "a.py", "--edit", "edit", "--min-confidence", "2"], exits.USAGE, "min-confidence"),
        (["aply"], exits.USAGE, "apply"),
        (["model", "fetch", "nothing"], exits.USAGE, "no model 'nothing'"),
        (["serve", "--port", "99999"], exits.USAGE, "port"),
    ],
)
def test_wrong_input_is_a_message_and_a_code(arguments, code, message, capsys):
    assert samebytes(*arguments) == code
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed


def test_a_bug_is_a_message_and_exit_code_4(workspace, capsys):
    assert samebytes("apply", "a.py", "--edit", "edit", "--instruction", "bug", "--write") == exits.INTERNAL
    printed = capsys.readouterr().err
    assert "internal error" in printed
    assert "Traceback" not in printed
    assert (workspace / "a.py").read_bytes() == OLD


def test_control_characters_of_a_file_do_not_reach_the_terminal(capsys):
    from rich.console import Console

    from applier.cli.render import colored_diff

    Console(force_terminal=False).print(colored_diff(b"+\x1b]0;owned\x07\n-\tok\xff\r\n"))
    assert capsys.readouterr().out == "+\\x1b]0;owned\\x07\n-       ok�\n\n"


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_listed_command_can_be_loaded_and_helps(entry, capsys):
    assert load_command(entry.name, entry.target).name == entry.name
    assert samebytes(entry.name, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_help_lists_every_command(capsys):
    assert samebytes("--help") == 0
    printed = capsys.readouterr().out
    assert all(entry.name in printed and entry.help in printed for entry in COMMANDS)


def test_the_edit_can_come_from_standard_input(workspace, monkeypatch):
    with Path("edit").open("rb") as edit:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": edit}))
        assert samebytes("apply", "a.py", "--edit", "-", "--write") == exits.DONE
    assert (workspace / "a.py").read_bytes() == NEW
