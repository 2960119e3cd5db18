"""A canary key goes through everything, and must come out of nothing but the request's own header."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reasoner import cli, credentials
from reasoner.apply import InProcess
from reasoner.backends import Backend, BackendSettings, create
from reasoner.credentials import RedactingFilter, Secret, lookup, redact, redact_json
from reasoner.errors import BackendError
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import Recorder
from reasoner.types import ChatRequest, Message, Role, Sampling, ToolCall
from tests.reasoner.wire import providers
from tests.reasoner.wire.providers import Model
from tests.reasoner.wire.server import Reply, WireServer
from tests.reasoner.wire.test_wire import KEYED, Provider, by_name

CANARY = providers.KEY


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability in cli.CAPABILITIES:
        for name in capability.keys:
            monkeypatch.setenv(name, CANARY)


def indiscreet(provider: Provider) -> list[WireServer]:
    """Servers that give the key back: in an error and its headers, and in an answer."""
    body = {"error": {"message": f"bad key {CANARY}", "code": 401, "status": CANARY, "type": CANARY}}
    error = Reply(body, 401, {"x-echo": CANARY})
    return [
        WireServer(lambda _: error),
        WireServer(provider.wire(Model(lambda _: f"your key is {CANARY}"))),
    ]


def outcome(backend: Backend, recorder: Recorder) -> str:
    """Everything that one call leaves behind in memory, as text."""
    request = ChatRequest((Message(Role.USER, "hello"),), Sampling(seed=1))
    try:
        completion = asyncio.run(backend.complete(request))
    except BackendError as error:
        recorder.failed_call(backend.name, "m", error)
        return "".join(traceback.format_exception(error))
    recorder.call(request, completion)
    return repr(completion)


@by_name(KEYED)
def test_the_key_is_in_no_log_no_error_and_no_ledger(
    provider: Provider, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    left, reached = "", 0
    try:
        with Ledger(tmp_path / "ledger") as ledger:
            for server in indiscreet(provider):
                with server:
                    settings = BackendSettings(provider.name, "m", server.url + provider.suffix, retries=0)
                    left += outcome(create(settings), Recorder(ledger))
                    logging.getLogger("anything").info("sending %s", CANARY)
                    # the control: it was really sent
                    reached += any(CANARY in value for value in server.seen[0].headers.values())
    finally:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
    assert reached == 2
    assert "your key is [redacted]" in left
    assert CANARY not in left
    assert "sending [redacted]" in logged.getvalue()
    assert CANARY not in logged.getvalue()
    for path in tmp_path.iterdir():
        assert CANARY.encode() not in path.read_bytes()
    output = capfd.readouterr()
    assert CANARY not in output.out + output.err


def test_the_command_line_does_not_show_the_key(
    tmp_path: Path, applier: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InProcess, "default", lambda model=None: applier)
    (tmp_path / "a.py").write_text("x = 1\n")
    with WireServer(lambda seen: providers.unauthorized(CANARY)) as server:
        arguments = ["edit", "t", "--backend", "openai:m", "--base-url", server.url + "/v1"]
        arguments += ["--root", str(tmp_path), "--files", str(tmp_path / "a.py")]
        result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 5
    assert "Incorrect API key provided: [redacted]" in result.output
    assert CANARY not in result.output
    for path in (tmp_path / ".samebytes").iterdir():
        assert CANARY.encode() not in path.read_bytes()


def test_an_sdks_own_debug_log_does_not_show_the_key(tmp_path: Path) -> None:
    body = {"error": {"message": "no", "type": "t"}}
    with WireServer(lambda _: Reply(body, 400, {"x-echo": CANARY})) as server:
        command = [sys.executable, "-m", "reasoner.cli", "probe-seed", "-b", "openai:m"]
        command += ["--base-url", server.url + "/v1"]
        environment = os.environ | {"OPENAI_LOG": "debug"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "openai._base_client" in done.stderr  # the control: the SDK did log
    assert CANARY not in done.stderr + done.stdout


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)


def test_redaction_reaches_every_string_and_leaves_placeholders() -> None:
    credentials.remember("EMPTY")
    credentials.remember(CANARY)
    value = {"a": [CANARY, 1, None, {"b": f"x{CANARY}y"}], CANARY: True, "c": "EMPTY"}
    clean = {"a": ["[redacted]", 1, None, {"b": "x[redacted]y"}], "[redacted]": True, "c": "EMPTY"}
    assert redact_json(value) == clean
    assert redact_json(ToolCall("f", {"k": CANARY}).arguments) == {"k": "[redacted]"}
    assert redact("nothing") == "nothing"


def test_the_environment_comes_before_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    stored = {("samebytes", "SB_TEST_KEY"): "from-the-keyring"}

    class Memory(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return stored.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            stored[service, username] = password

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        assert lookup("SB_TEST_KEY").reveal() == "from-the-keyring"
        monkeypatch.setenv("SB_TEST_KEY", "from-the-environment")
        assert lookup("SB_TEST_KEY").reveal() == "from-the-environment"
        assert lookup("SB_NO_SUCH_KEY") is None
    finally:
        keyring.set_keyring(before)


def test_a_log_record_with_an_exception_is_clean() -> None:
    credentials.remember(CANARY)
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    handler.addFilter(RedactingFilter())
    logger = logging.getLogger("samebytes.test")
    logger.addHandler(handler)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed with %s", CANARY)
    finally:
        logger.removeHandler(handler)
    assert "failed with [redacted]" in logged.getvalue()
    assert "ValueError: [redacted]" in logged.getvalue()
