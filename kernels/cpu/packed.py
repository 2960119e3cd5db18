"""A model in the engine's layout: packed once, kept in a file, and mapped into memory at every start.

The file is a line of JSON, padded to 64 bytes, then the arrays, each from a multiple of 64 bytes on. Nothing
in it depends on the instruction set, and processes that map it share its memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kernels.config import NUMERICS_VERSION, ModelConfig
from kernels.cpu.engine import LANES, PANEL, Engine, PackedLinear
from kernels.weights import Layer, Linear8, Weights

PACKED_FILE = "model.packed"
FORMAT = "samebytes-packed-1"
_ALIGN = 64
_MATRICES = ("qkv", "o", "gate_up", "down")
_NORMS = ("attn_norm", "mlp_norm", "q_norm", "k_norm")


class PackedFileError(ValueError):
    """The file is not there, not whole, or not of these weights; it is to be made again."""


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """One layer. qkv: outputs side by side; gate_up: LANES rows of each in turns, padded with zeros."""

    attn_norm: np.ndarray
    mlp_norm: np.ndarray
    q_norm: np.ndarray | None
    k_norm: np.ndarray | None
    qkv: PackedLinear
    o: PackedLinear
    gate_up: PackedLinear
    down: PackedLinear


@dataclass(frozen=True, slots=True)
class PackedModel:
    """What `Weights` holds; embedding and head are plain rows, of which few are used at a time."""

    config: ModelConfig
    embed: Linear8
    layers: tuple[PackedLayer, ...]
    final_norm: np.ndarray
    head: Linear8
    cos: np.ndarray
    sin: np.ndarray
    sha256: str


def in_turns(gate: Linear8, up: Linear8) -> Linear8:
    """LANES rows of each in turns, so that a tile holds both factors of an output; rows of zeros fill up."""

    def merge(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        rest = a.shape[1:]
        turns = np.zeros((-(-len(a) // LANES), 2, LANES, *rest), a.dtype)
        for turn, part in enumerate((a, b)):
            whole = len(part) // LANES
            turns[:whole, turn] = part[: whole * LANES].reshape(whole, LANES, *rest)
            turns[whole:, turn, : len(part) - whole * LANES] = part[whole * LANES :]
        return turns.reshape(-1, *rest)

    bias = None
    if gate.bias is not None or up.bias is not None:
        bias = merge(*(np.zeros_like(p.scale) if p.bias is None else p.bias for p in (gate, up)))
    return Linear8(merge(gate.weight, up.weight), merge(gate.scale, up.scale), bias)


def side_by_side(*parts: Linear8) -> Linear8:
    """Matrices of one input as one."""
    bias = None
    if any(part.bias is not None for part in parts):
        bias = np.concatenate([np.zeros_like(p.scale) if p.bias is None else p.bias for p in parts])
    weight, scale = (np.concatenate([getattr(p, name) for p in parts]) for name in ("weight", "scale"))
    return Linear8(weight, scale, bias)


def pack_model(weights: Weights, engine: Engine) -> PackedModel:
    """Packs all layers for the engine."""

    def pack(matrix: Linear8) -> PackedLinear:
        return engine.pack(matrix.weight, matrix.scale, matrix.bias)

    def layer(plain: Layer) -> PackedLayer:
        norms = (getattr(plain, name) for name in _NORMS)
        attn, mlp, q, k = (None if norm is None else np.ascontiguousarray(norm) for norm in norms)
        return PackedLayer(
            attn_norm=attn,  # type: ignore[arg-type]
            mlp_norm=mlp,  # type: ignore[arg-type]
            q_norm=q,
            k_norm=k,
            qkv=pack(side_by_side(plain.q, plain.k, plain.v)),
            o=pack(plain.o),
            gate_up=pack(in_turns(plain.gate, plain.up)),
            down=pack(plain.down),
        )

    embed = Linear8(*map(np.ascontiguousarray, (weights.embed.weight, weights.embed.scale)))
    return PackedModel(
        config=weights.config,
        embed=embed,
        layers=tuple(map(layer, weights.layers)),
        final_norm=np.ascontiguousarray(weights.final_norm),
        head=embed if weights.head is weights.embed else weights.head,
        cos=np.ascontiguousarray(weights.cos),
        sin=np.ascontiguousarray(weights.sin),
        sha256=weights.sha256,
    )


def save_packed(path: Path, weights: Weights, engine: Engine) -> None:
    """Writes the file of `weights`. Raises OSError."""
    arrays = dict(_named_arrays(pack_model(weights, engine), weights))
    listed, at, digest = {}, 0, hashlib.sha256()
    for name, array in arrays.items():
        listed[name] = [array.dtype.str, list(array.shape), at]
        at += array.nbytes + -array.nbytes % _ALIGN
        digest.update(array.reshape(-1).view(np.uint8).data)
        digest.update(bytes(-array.nbytes % _ALIGN))
    header: dict[str, Any] = {
        "format": FORMAT,
        "numerics_version": NUMERICS_VERSION,
        "layout": [LANES, PANEL],
        "config": weights.config.to_json(),
        "weights_sha256": weights.sha256,
        "data_sha256": digest.hexdigest(),
        "bytes": at,
        "arrays": listed,
    }
    line = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(line + b" " * (-(len(line) + 1) % _ALIGN) + b"\n")
        for array in arrays.values():
            file.write(array.reshape(-1).view(np.uint8).data)
            file.write(bytes(-array.nbytes % _ALIGN))


def load_packed(path: Path, engine: Engine, check: bool = True) -> PackedModel:
    """Maps the file. `check` reads all of it and compares its hash. Raises PackedFileError."""
    try:
        with path.open("rb") as file:
            line = file.readline()
        header = json.loads(line)
        if header["format"] != FORMAT or header["layout"] != [LANES, PANEL]:
            raise PackedFileError(f"{path}: made for another version")
        if header["numerics_version"] != NUMERICS_VERSION:
            raise PackedFileError(f"{path}: made for numerics version {header['numerics_version']}")
        data = np.memmap(path, np.uint8, "r", len(line))
        config = ModelConfig.from_json(header["config"])
        if data.nbytes != header["bytes"]:
            raise PackedFileError(f"{path}: {data.nbytes} bytes of {header['bytes']}")
        arrays = {
            name: _part(data, (dtype, shape, at)) for name, (dtype, shape, at) in header["arrays"].items()
        }
        model = _arrange(config, arrays, header["weights_sha256"], engine)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise PackedFileError(f"{path}: not usable: {error}") from error
    if check and hashlib.sha256(data.data).hexdigest() != header["data_sha256"]:
        raise PackedFileError(f"{path}: its content is not what was written")
    return model


def _part(data: np.ndarray, where: tuple[str, list[int], int]) -> np.ndarray:
    dtype, shape, at = where
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return data[at : at + size].view(dtype).reshape(shape)


def _named_arrays(model: PackedModel, weights: Weights) -> Iterator[tuple[str, np.ndarray]]:
    """In the order of use. Sums of columns stand for the offsets, which differ between instruction sets."""
    yield "embed.weight", model.embed.weight
    yield "embed.scale", model.embed.scale
    for index, (layer, plain) in enumerate(zip(model.layers, weights.layers, strict=True)):
        rows = (
            side_by_side(plain.q, plain.k, plain.v),
            plain.o,
            in_turns(plain.gate, plain.up),
            plain.down,
        )
        for name in _NORMS:
            if (norm := getattr(layer, name)) is not None:
                yield f"{index}.{name}", norm
        for name, row in zip(_MATRICES, rows, strict=True):
            packed, _, scale, bias = getattr(layer, name).arrays
            sums = np.zeros(-(-len(row.weight) // PANEL) * PANEL, np.int32)
            sums[: len(row.weight)] = row.weight.sum(axis=1, dtype=np.int32)
            yield f"{index}.{name}.packed", packed
            yield f"{index}.{name}.sums", sums
            yield f"{index}.{name}.scale", scale
            if bias is not None:
                yield f"{index}.{name}.bias", bias
    yield "final_norm", model.final_norm
    if model.head is not model.embed:
        yield "head.weight", np.ascontiguousarray(model.head.weight)
        yield "head.scale", np.ascontiguousarray(model.head.scale)
    yield "cos", model.cos
    yield "sin", model.sin


def _arrange(config: ModelConfig, arrays: dict[str, np.ndarray], sha256: str, engine: Engine) -> PackedModel:
    def linear(name: str, k: int) -> PackedLinear:
        return engine.packed_linear(
            arrays[f"{name}.packed"],
            np.ascontiguousarray(arrays[f"{name}.sums"] * np.int32(-engine.zero)),
            arrays[f"{name}.scale"],
            arrays.get(f"{name}.bias"),
            k,
        )

    widths = (config.hidden_size, config.q_size, config.hidden_size, config.intermediate_size)
    embed = Linear8(arrays["embed.weight"], arrays["embed.scale"])
    return PackedModel(
        config=config,
        embed=embed,
        layers=tuple(
            PackedLayer(
                *(arrays.get(f"{i}.{name}") for name in _NORMS),  # type: ignore[arg-type]
                *(linear(f"{i}.{name}", k) for name, k in zip(_MATRICES, widths, strict=True)),
            )
            for i in range(config.num_layers)
        ),
        final_norm=arrays["final_norm"],
        head=Linear8(arrays["head.weight"], arrays["head.scale"]) if "head.weight" in arrays else embed,
        cos=arrays["cos"],
        sin=arrays["sin"],
        sha256=sha256,
    )
