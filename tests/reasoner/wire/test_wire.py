"""Each hosted backend, through its official SDK, against its provider's documented wire format."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from applier.patches.types import SourceFile
from applier.types import EditFormat
from reasoner.backends import Backend, BackendSettings, create
from reasoner.backends.base import read_edits
from reasoner.backends.gemini import Gemini
from reasoner.backends.presets import PRESETS
from reasoner.capabilities import BY_NAME, SeedSupport
from reasoner.errors import (
    AuthenticationFailed,
    BackendError,
    BadResponse,
    MissingDependency,
    MissingKey,
    ParameterRejected,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unreachable,
    UsageError,
)
from reasoner.extract.tools import edit_tool
from reasoner.types import ChatRequest, Completion, Message, ProposeOptions, Role, Sampling, Task
from tests.reasoner.wire import providers
from tests.reasoner.wire.providers import KEY, Model
from tests.reasoner.wire.server import Reply, Seen, WireServer

TOOL_CALL = ("edit_file", {"path": "a.py", "edit": "x = 1\n"})


@dataclass(frozen=True)
class Provider:
    """A backend, the wire it speaks, and where the wire's address goes."""

    name: str
    wire: Callable[[Model], Callable[[Seen], Reply]]
    suffix: str = ""
    seed_in: tuple[str, ...] = ("seed",)
    version: str = "m-2026-01-01"


def compatible(model: Model) -> Callable[[Seen], Reply]:
    return providers.chat_completions(model, key=None)


PROVIDERS = [
    Provider("openai", providers.chat_completions, "/v1"),
    Provider("openai-responses", providers.responses, "/v1", ()),
    Provider("azure", lambda model: providers.azure(model, "m")),
    Provider("anthropic", providers.anthropic, "", (), "m"),
    Provider("gemini", providers.gemini, "", ("generationConfig", "seed"), "m-001"),
    Provider("ollama", providers.ollama, "", ("options", "seed"), "m"),
    *(Provider(name, compatible, "/v1") for name in sorted(set(PRESETS) - {"openai", "portkey"})),
]
HOSTED = [provider for provider in PROVIDERS if provider.name not in PRESETS or provider.name == "openai"]
# One compatible server stands for all where the code is the same.
DISTINCT = [*HOSTED, next(provider for provider in PROVIDERS if provider.name == "llama.cpp")]
KEYED = [provider for provider in HOSTED if provider.name != "ollama"]


def by_name(items: list[Provider]) -> Any:
    return pytest.mark.parametrize("provider", items, ids=lambda provider: provider.name)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability in BY_NAME.values():
        for name in capability.keys:
            monkeypatch.setenv(name, KEY)


@contextmanager
def serving(provider: Provider, answer: Callable[[Seen], Reply]) -> Iterator[tuple[WireServer, Backend]]:
    with WireServer(answer) as server:
        yield server, create(BackendSettings(provider.name, "m", server.url + provider.suffix, retries=0))


def ask(backend: Backend, *, tools: bool = False, **sampling: Any) -> Completion:
    async def call() -> Completion:
        try:
            return await backend.complete(
                ChatRequest(
                    (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hello?")),
                    Sampling(**sampling),
                    (edit_tool(EditFormat.LAZY, "rules"),) if tools else (),
                )
            )
        finally:
            await backend.aclose()

    return asyncio.run(call())


@by_name(PROVIDERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_and_its_facts(provider: Provider, stream: bool) -> None:
    with serving(provider, provider.wire(Model())) as (server, backend):
        completion = ask(backend, seed=42, temperature=0.5, max_output_tokens=99, stream=stream)
    assert completion.text == "Hello."
    facts = completion.facts
    assert (facts.backend, facts.model_requested, facts.model) == (provider.name, "m", provider.version)
    assert (facts.prompt_tokens, facts.output_tokens) == (7, 3)
    assert facts.started_at.endswith("+00:00")
    assert facts.elapsed_ms > 0
    assert facts.seed_sent == (42 if provider.seed_in else None)
    assert facts.seed_echoed is None
    assert facts.system_fingerprint == (
        "fp_abc" if provider.wire is compatible or provider.name in ("openai", "azure") else None
    )
    on_the_wire: Any = server.seen[0].body
    for field in provider.seed_in:
        on_the_wire = on_the_wire[field]
    if provider.seed_in:
        assert on_the_wire == 42
        assert completion.notices == ()
    else:
        assert "seed" not in on_the_wire
        assert BY_NAME[provider.name].seed is SeedSupport.REJECTED
        assert completion.notices[0].endswith("has no seed: 42 was not sent")


@by_name(DISTINCT)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tool_calls(provider: Provider, stream: bool) -> None:
    with serving(provider, provider.wire(Model(calls=[TOOL_CALL]))) as (server, backend):
        completion = ask(backend, tools=True, stream=stream)
    assert "edit_file" in str(server.seen[0].body["tools"])
    (call,) = completion.tool_calls
    assert (call.name, dict(call.arguments)) == TOOL_CALL
    found = read_edits(completion, ["a.py"], ProposeOptions())
    assert [(edit.path, edit.text) for edit in found.edits] == [("a.py", "x = 1\n")]


@by_name(DISTINCT)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_reply_that_was_cut_off_gives_no_edit(provider: Provider, stream: bool) -> None:
    model = Model(lambda _: "File: a.py\n```\nx\n```\n", finish="length")
    with serving(provider, provider.wire(model)) as (_, backend):
        completion = ask(backend, stream=stream)
    found = read_edits(completion, ["a.py"], ProposeOptions())
    assert found.edits == []
    assert "cut off" in found.problems[0].message


def test_a_reply_that_was_withheld_gives_no_edit() -> None:
    model = Model(lambda _: "File: a.py\n```\nx\n```\n", finish="content_filter")
    with serving(PROVIDERS[0], providers.chat_completions(model)) as (_, backend):
        found = read_edits(ask(backend), ["a.py"], ProposeOptions())
    assert found.edits == []
    assert "withheld" in found.problems[0].message


@by_name(KEYED)
def test_a_wrong_key_is_said_and_not_shown(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "sk-wrong-canary-fedcba9876543210"
    for name in BY_NAME[provider.name].keys:
        monkeypatch.setenv(name, wrong)
    with serving(provider, provider.wire(Model())) as (_, backend), pytest.raises(BackendError) as caught:
        ask(backend)
    expected = RequestRejected if provider.name == "gemini" else AuthenticationFailed
    assert isinstance(caught.value, expected)
    assert wrong not in str(caught.value)
    assert caught.value.__suppress_context__


@by_name(KEYED)
def test_no_key_says_which_to_set(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BY_NAME[provider.name].keys:
        monkeypatch.delenv(name)
    monkeypatch.setattr("reasoner.credentials._from_keyring", lambda name: None)
    with pytest.raises(MissingKey, match=BY_NAME[provider.name].keys[0]):
        create(BackendSettings(provider.name, "m", "http://127.0.0.1:1"))


@by_name(HOSTED)
@pytest.mark.parametrize(
    ("status", "error"),
    [(429, RateLimited), (500, ServerFailed), (529, ServerFailed), (404, RequestRejected)],
)
def test_statuses_become_typed_errors(provider: Provider, status: int, error: type[BackendError]) -> None:
    body = {"error": {"message": "because", "code": status, "status": "X", "type": "t"}}
    if provider.name == "ollama":
        body = {"error": "because"}  # type: ignore[dict-item]

    def answer(_: Seen) -> Reply:
        return Reply(body, status, {"retry-after": "7"})

    with serving(provider, answer) as (_, backend), pytest.raises(error, match="because") as caught:
        ask(backend)
    if isinstance(caught.value, RateLimited) and provider.name not in ("gemini", "ollama"):
        assert caught.value.retry_after == 7


@by_name(DISTINCT)
def test_a_refused_seed_is_an_error_and_not_dropped(provider: Provider) -> None:
    if not provider.seed_in:
        pytest.skip("sends no seed")

    def answer(seen: Seen) -> Reply:
        message = "Unsupported parameter: 'seed' is not supported with this model."
        if provider.name == "ollama":
            return Reply({"error": message}, 400)
        if provider.name == "gemini":
            return providers.google_error(400, "INVALID_ARGUMENT", message)
        return providers.openai_error(400, message, "seed", "unsupported_parameter")

    with serving(provider, answer) as (server, backend), pytest.raises(ParameterRejected) as caught:
        ask(backend, seed=1)
    assert caught.value.parameter == "seed"
    assert len(server.seen) == 1


def test_anthropics_refusal_of_temperature_is_named() -> None:
    message = "temperature: Extra inputs are not permitted"
    refusal = providers.anthropic_error(400, "invalid_request_error", message)
    with serving(PROVIDERS[3], lambda _: refusal) as (_, backend), pytest.raises(ParameterRejected) as caught:
        ask(backend, temperature=1.0)
    assert caught.value.parameter == "temperature"


@by_name(HOSTED)
def test_nobody_there_is_unreachable(provider: Provider) -> None:
    with WireServer(lambda _: Reply({})) as server:
        url = server.url
    backend = create(BackendSettings(provider.name, "m", url + provider.suffix, retries=0))
    with pytest.raises(Unreachable):
        ask(backend)


@by_name(HOSTED)
def test_an_answer_that_takes_too_long_is_unreachable(provider: Provider) -> None:
    import threading

    gate = threading.Event()

    def answer(_: Seen) -> Reply:
        gate.wait(10)
        return Reply({})

    with WireServer(answer) as server:
        settings = BackendSettings(provider.name, "m", server.url + provider.suffix, timeout=0.2, retries=0)
        with pytest.raises(Unreachable):
            ask(create(settings))
        gate.set()


@by_name(HOSTED)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("body", [b"<html>502</html>", b"{}", b'{"choices": []}', b'{"choices": 3}'])
def test_an_answer_outside_the_protocol_is_a_typed_error(provider: Provider, body: bytes) -> None:
    with serving(provider, lambda _: Reply(body)) as (_, backend), pytest.raises(BadResponse):
        ask(backend)


@by_name(HOSTED)
def test_a_stream_that_breaks_off_is_a_typed_error(provider: Provider) -> None:
    def answer(seen: Seen) -> Reply:
        whole = provider.wire(Model())(seen)
        assert whole.stream is not None
        lines = list(whole.stream)
        return Reply(stream=lines[:1], content_type=whole.content_type)

    with serving(provider, answer) as (_, backend), pytest.raises(BackendError):
        ask(backend, stream=True)


def test_vertex_by_project_has_its_own_path_and_bearer_token() -> None:
    from google.oauth2.credentials import Credentials

    prefix = "/v1beta1/projects/p/locations/europe-west4/publishers/google/models"
    with WireServer(providers.gemini(Model(), prefix)) as server:
        backend = Gemini(
            "vertex",
            "m",
            key=None,
            base_url=server.url,
            project="p",
            location="europe-west4",
            credentials=Credentials(token=KEY),
            retries=0,
        )
        completion = ask(backend, seed=5)
    assert (completion.text, completion.facts.model, completion.facts.seed_sent) == ("Hello.", "m-001", 5)


def test_vertex_in_express_mode_takes_a_key() -> None:
    prefix = "/v1beta1/publishers/google/models"
    provider = Provider("vertex", lambda model: providers.gemini(model, prefix))
    with serving(provider, provider.wire(Model())) as (_, backend):
        assert ask(backend).text == "Hello."


def test_a_blocked_prompt_is_said() -> None:
    reply = Reply({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m"})
    with serving(PROVIDERS[4], lambda _: reply) as (_, backend), pytest.raises(BadResponse, match="SAFETY"):
        ask(backend)


def test_portkey_has_its_key_in_its_own_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-canary-0123456789")
    with WireServer(providers.chat_completions(Model())) as server:
        assert ask(create(BackendSettings("portkey", "@openai/m", server.url + "/v1"))).text == "Hello."
    assert server.seen[0].headers["x-portkey-api-key"] == "pk-canary-0123456789"
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_without_keys_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_API_KEY")
    with serving(Provider("vllm", compatible, "/v1"), compatible(Model())) as (server, backend):
        assert ask(backend).text == "Hello."
    assert server.seen[0].headers["authorization"] == "Bearer EMPTY"


def test_ollamas_own_options_go_through() -> None:
    with WireServer(providers.ollama(Model())) as server:
        settings = BackendSettings("ollama", "m", server.url, options={"num_ctx": 32768, "num_gpu": 0})
        ask(create(settings), seed=3)
    assert server.seen[0].body["options"] == {"num_ctx": 32768, "num_gpu": 0, "num_predict": 4096, "seed": 3}


def test_an_echoed_seed_is_a_fact() -> None:
    def answer(seen: Seen) -> Reply:
        reply = providers.chat_reply(Model(), seen)
        reply.body["choices"][0]["seed"] = 17
        return reply

    with serving(PROVIDERS[0], answer) as (_, backend):
        facts = ask(backend, seed=42).facts
    assert (facts.seed_sent, facts.seed_echoed) == (42, 17)


def test_a_proposal_goes_the_whole_way() -> None:
    model = Model(lambda _: "File: a.py\n```python\n# ... existing code ...\nx = 2\n```\n")
    with serving(PROVIDERS[0], providers.chat_completions(model)) as (server, backend):
        proposal = asyncio.run(
            backend.propose(Task("set x to 2"), [SourceFile("a.py", b"x = 1\n")], ProposeOptions())
        )
    assert proposal.edits[0].text == "# ... existing code ...\nx = 2\n"
    system, user = server.seen[0].body["messages"]
    assert "existing code" in system["content"]
    assert user["content"] == "File: a.py\n```\nx = 1\n```\n\nTask: set x to 2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (BackendSettings("opnai", "m"), "did you mean 'openai'"),
        (BackendSettings("openai"), "say which model"),
        (BackendSettings("azure", "m"), "AZURE_OPENAI_ENDPOINT"),
        (BackendSettings("openai-compatible", "m"), "OPENAI_COMPATIBLE_BASE_URL"),
    ],
)
def test_wrong_settings_say_what_to_do(settings: BackendSettings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create(settings)


def test_every_backend_of_the_table_can_be_made() -> None:
    from reasoner.backends import registry

    local = {"transformers", "llama-cpp-python", "recorded", "reply-file"}
    for name in set(BY_NAME) - local:
        assert registry.create(BackendSettings(name, "m", "http://127.0.0.1:1")).name == name


@by_name(HOSTED)
def test_a_missing_sdk_says_what_to_install(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {"gemini": "google.genai", "anthropic": "anthropic", "ollama": "ollama"}.get(
        provider.name, "openai"
    )
    monkeypatch.setitem(sys.modules, module, None)
    extra = BY_NAME[provider.name].extra
    with pytest.raises(MissingDependency, match=rf"pip install 'samebytes\[{extra}\]'"):
        create(BackendSettings(provider.name, "m", "http://127.0.0.1:1"))


def test_no_sdk_is_imported_before_it_is_needed() -> None:
    heavy = {"openai", "anthropic", "google.genai", "ollama", "transformers", "torch", "grpc"}
    code = f"import sys, reasoner.cli, reasoner.backends; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
