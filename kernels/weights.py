"""The int8 weights of a model: one safetensors file, checked whole at load.

Tensors (N rows out, K channels in):

    embed.weight int8 [V, hidden]          embed.scale float32 [V]
    layers.{i}.attn_norm, mlp_norm         float32 [hidden]
    layers.{i}.{q,k,v,o,gate,up,down}      .weight int8 [N, K], .scale float32 [N], (.bias float32 [N])
    layers.{i}.{q_norm,k_norm}             float32 [head_dim], where config.qk_norm
    final_norm                             float32 [hidden]
    head.weight, head.scale                where the head is not tied to the embedding

The file's metadata carries the config, the numerics version, the SHA-256 of the rotary tables and the
SHA-256 of the content (`content_sha256`), which names the model in fingerprints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kernels.arrays import Array
from kernels.config import NUMERICS_VERSION, ConfigError, ModelConfig
from kernels.rope import rope_sha256, rope_tables

PROJECTIONS = ("q", "k", "v", "o", "gate", "up", "down")
FORMAT = "samebytes-int8"
SMALLEST_SCALE = 2.0**-20


class WeightsError(ValueError):
    """The file is not a set of weights this version can serve; the message says what differs."""


@dataclass(frozen=True, slots=True)
class Linear8:
    """weight int8 [N, K], scale float32 [N], bias float32 [N] or None."""

    weight: Array
    scale: Array
    bias: Array | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer. Norm gains are float32."""

    attn_norm: Array
    q: Linear8
    k: Linear8
    v: Linear8
    o: Linear8
    q_norm: Array | None
    k_norm: Array | None
    mlp_norm: Array
    gate: Linear8
    up: Linear8
    down: Linear8


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole model on the CPU. `head` is `embed` itself where tied.

    cos and sin are float32 [positions, D/2]; sha256 is the content hash.
    """

    config: ModelConfig
    embed: Linear8
    layers: tuple[Layer, ...]
    final_norm: Array
    head: Linear8
    cos: Array
    sin: Array
    sha256: str


def projection_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """(N, K) of each of the seven projections of a layer."""
    hidden, inner = config.hidden_size, config.intermediate_size
    return {
        "q": (config.q_size, hidden),
        "k": (config.kv_size, hidden),
        "v": (config.kv_size, hidden),
        "o": (hidden, config.q_size),
        "gate": (inner, hidden),
        "up": (inner, hidden),
        "down": (hidden, inner),
    }


def expected_tensors(config: ModelConfig) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Name → (dtype, shape) of every tensor of the container."""
    expected: dict[str, tuple[type, tuple[int, ...]]] = {}

    def add_linear(name: str, n: int, k: int, bias: bool = False) -> None:
        expected[f"{name}.weight"] = (np.int8, (n, k))
        expected[f"{name}.scale"] = (np.float32, (n,))
        if bias:
            expected[f"{name}.bias"] = (np.float32, (n,))

    add_linear("embed", config.vocab_size, config.hidden_size)
    for i in range(config.num_layers):
        for norm in ("attn_norm", "mlp_norm"):
            expected[f"layers.{i}.{norm}"] = (np.float32, (config.hidden_size,))
        if config.qk_norm:
            for norm in ("q_norm", "k_norm"):
                expected[f"layers.{i}.{norm}"] = (np.float32, (config.head_dim,))
        for name, (n, k) in projection_shapes(config).items():
            add_linear(f"layers.{i}.{name}", n, k, bias=config.attention_bias and name in ("q", "k", "v"))
    expected["final_norm"] = (np.float32, (config.hidden_size,))
    if not config.tie_word_embeddings:
        add_linear("head", config.vocab_size, config.hidden_size)
    return expected


def check_tensors(config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> None:
    """Raises WeightsError unless names, dtypes, shapes and value ranges are those of the contract."""
    expected = expected_tensors(config)
    if missing := sorted(expected.keys() - tensors.keys()):
        raise WeightsError(f"{len(missing)} tensors are missing, the first is {missing[0]}")
    if extra := sorted(tensors.keys() - expected.keys()):
        raise WeightsError(f"{len(extra)} unknown tensors, the first is {extra[0]}")
    for name, (dtype, shape) in expected.items():
        tensor = tensors[name]
        if tensor.dtype != dtype or tensor.shape != shape:
            raise WeightsError(
                f"{name} is {tensor.dtype} {list(tensor.shape)}, not {dtype.__name__} {list(shape)}"
            )
        if dtype == np.int8 and tensor.size and int(tensor.min()) < -127:
            raise WeightsError(f"{name} holds -128, which the quantiser never makes")
        if dtype == np.float32 and not np.isfinite(tensor).all():
            raise WeightsError(f"{name} is not finite")
        if name.endswith(".scale") and ((tensor < SMALLEST_SCALE) & (tensor != 0)).any():
            raise WeightsError(f"{name} has a scale that is neither 0 nor at least 2^-20")


def content_sha256(config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over numerics version, config and each tensor's name, dtype, shape and bytes in name order."""
    digest = hashlib.sha256(f"{FORMAT}\n{NUMERICS_VERSION}\n{config.to_json()}\n".encode())
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} torch.{tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def build_weights(config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> Weights:
    """Checks and arranges tensors. Raises WeightsError."""
    check_tensors(config, tensors)

    def linear(name: str) -> Linear8:
        return Linear8(tensors[f"{name}.weight"], tensors[f"{name}.scale"], tensors.get(f"{name}.bias"))

    layers = []
    for i in range(config.num_layers):
        at = f"layers.{i}."
        layers.append(
            Layer(
                attn_norm=tensors[at + "attn_norm"],
                mlp_norm=tensors[at + "mlp_norm"],
                q_norm=tensors.get(at + "q_norm"),
                k_norm=tensors.get(at + "k_norm"),
                **{name: linear(at + name) for name in PROJECTIONS},
            )
        )
    embed = linear("embed")
    cos, sin = rope_tables(config.max_position, config.head_dim, config.rope_theta)
    return Weights(
        config=config,
        embed=embed,
        layers=tuple(layers),
        final_norm=tensors["final_norm"],
        head=embed if config.tie_word_embeddings else linear("head"),
        cos=cos,
        sin=sin,
        sha256=content_sha256(config, tensors),
    )


def save_weights(path: str | Path, config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> str:
    """Writes the container and returns its content SHA-256. Raises WeightsError on a bad tensor."""
    check_tensors(config, tensors)
    sha256 = content_sha256(config, tensors)
    metadata = {
        "format": FORMAT,
        "numerics_version": str(NUMERICS_VERSION),
        "config": config.to_json(),
        "rope_sha256": rope_sha256(config.max_position, config.head_dim, config.rope_theta),
        "content_sha256": sha256,
    }
    save_file(
        {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, str(path), metadata=metadata
    )
    return sha256


def load_weights(path: str | Path) -> Weights:
    """Reads the container at `path` (a file, or a folder holding `model.safetensors`).

    Raises WeightsError when the file is missing or not a container, when the numerics version, the content
    hash or
    the hash of the rotary tables derived here differ from the recorded ones, or when a value is out of range.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "model.safetensors"
    try:
        with safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not readable as safetensors: {error}") from error
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path}: not a {FORMAT} file; convert the checkpoint first")
    if metadata.get("numerics_version") != str(NUMERICS_VERSION):
        raise WeightsError(
            f"{path}: made for numerics version {metadata.get('numerics_version')}, this is version "
            f"{NUMERICS_VERSION}; derive the weights again"
        )
    try:
        config = ModelConfig.from_json(metadata["config"])
        weights = build_weights(config, tensors)
    except (ConfigError, WeightsError) as error:
        raise WeightsError(f"{path}: {error}") from error
    if weights.sha256 != metadata.get("content_sha256"):
        raise WeightsError(f"{path}: content is {weights.sha256}, not {metadata.get('content_sha256')}")
    tables = rope_sha256(config.max_position, config.head_dim, config.rope_theta)
    if tables != metadata.get("rope_sha256"):
        raise WeightsError(f"{path}: rotary tables derived here are {tables}, the file was made with others")
    return weights
