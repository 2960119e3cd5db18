"""Real servers and libraries with a real model: answers, streams, and what each does with a seed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from reasoner.backends import Backend, BackendSettings, create
from reasoner.errors import RequestRejected, UsageError
from reasoner.seeds.probe import ProbeOptions, ProbeReport, Verdict, probe
from reasoner.types import ChatRequest, Completion, Message, Role, Sampling
from tests.reasoner.real.conftest import needs
from tests.reasoner.real.gateway import gateway

# Five calls a group: all equal against all different gives p = 1 / 252.
PROBE = ProbeOptions(calls=5, max_output_tokens=8)


def complete(backend: Backend, **sampling) -> Completion:
    request = ChatRequest((Message(Role.USER, "Name a colour."),), Sampling(**sampling))
    return asyncio.run(closing(backend, backend.complete(request)))


def probed(backend: Backend, options: ProbeOptions = PROBE) -> ProbeReport:
    return asyncio.run(closing(backend, probe(backend, options)))


async def closing(backend: Backend, work):
    try:
        return await work
    finally:
        await backend.aclose()


def test_the_llama_cpp_server_answers_the_same_whole_and_streamed(llama_cpp: str) -> None:
    whole, streamed = (
        complete(
            create(BackendSettings("llama.cpp", "m", llama_cpp)), seed=1, max_output_tokens=8, stream=stream
        )
        for stream in (False, True)
    )
    assert whole.text == streamed.text != ""
    assert whole.facts.output_tokens == streamed.facts.output_tokens > 0
    assert whole.finish_reason == streamed.finish_reason
    assert whole.facts.system_fingerprint
    assert whole.facts.model


def test_the_llama_cpp_servers_refusal_is_typed(llama_cpp: str) -> None:
    with pytest.raises(RequestRejected, match="exceeds"):
        asyncio.run(
            create(BackendSettings("llama.cpp", "m", llama_cpp)).complete(
                ChatRequest((Message(Role.USER, "word " * 6000),), Sampling())
            )
        )


def test_the_llama_cpp_server_honours_a_seed(llama_cpp: str) -> None:
    report = probed(create(BackendSettings("llama.cpp", "m", llama_cpp)))
    assert report.verdict is Verdict.HONOURED, report
    assert report.test
    assert report.test.p_value == 1 / 252


def test_a_gateway_that_drops_the_seed_is_caught_and_one_that_forwards_it_passes(llama_cpp: str) -> None:
    reports = {}
    for drops in ((), ("seed",)):
        with gateway(llama_cpp, drops=drops) as server:
            reports[drops] = probed(create(BackendSettings("openai-compatible", "m", server.url + "/v1")))
    forwards, dropping = reports[()], reports[("seed",)]
    assert forwards.verdict is Verdict.HONOURED, forwards
    assert dropping.verdict is Verdict.IGNORED, dropping
    assert forwards.test
    assert dropping.test
    assert forwards.test.p_value < 0.01 <= dropping.test.p_value


@pytest.mark.slow
def test_transformers_serve_answers_and_honours_a_seed(
    transformers_server: str, transformers_folder: Path
) -> None:
    settings = BackendSettings("transformers-serve", str(transformers_folder), transformers_server)
    assert complete(create(settings), max_output_tokens=8, temperature=0.0).text
    report = probed(create(settings))
    assert report.verdict is Verdict.HONOURED, report
    # Side by side, requests draw from one generator that each of them seeds.
    crowded = probed(create(settings), replace(PROBE, calls=8, concurrency=4))
    assert crowded.verdict in (Verdict.IGNORED, Verdict.BEST_EFFORT), crowded


@pytest.mark.slow
def test_transformers_in_process_honours_a_seed(gguf: Path) -> None:
    needs("transformers")
    report = probed(create(BackendSettings("transformers", str(gguf))))
    assert report.verdict is Verdict.HONOURED, report
    assert (report.seeds_sent, report.seeds_echoed) == (10, 0)  # a library has nobody to echo it
    assert "@sha256:" in report.models[0]


@pytest.mark.slow
def test_llama_cpp_python_honours_a_seed(gguf: Path) -> None:
    needs("llama_cpp")
    report = probed(create(BackendSettings("llama-cpp-python", str(gguf), options={"threads": 1})))
    assert report.verdict is Verdict.HONOURED, report
    assert "@sha256:" in report.models[0]


def test_a_missing_model_file_is_said(tmp_path: Path) -> None:
    needs("llama_cpp")
    with pytest.raises(UsageError, match="no GGUF file"):
        create(BackendSettings("llama-cpp-python", str(tmp_path / "none.gguf")))
