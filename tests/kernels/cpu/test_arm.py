"""The engine for 64-bit Arm, emulated, gives the bits (Debian: qemu-user, gcc-aarch64-linux-gnu)."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kernels.backend import Segment
from kernels.cpu.packed import in_turns
from kernels.forward import ReferenceBackend
from kernels.isa import ISAS
from kernels.native import FLAGS
from kernels.reference import LOG2_E
from kernels.selftest.tiny_models import tiny_tokens, tiny_weights
from kernels.weights import Linear8, Weights

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
STEPS = (33, 1, 70, 5, 2)
pytestmark = pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(EMULATOR)), reason=f"needs {COMPILER} and {EMULATOR}"
)


def write_input(path: Path, weights: Weights) -> None:
    """The form that engine_main.c reads."""
    config = weights.config
    with path.open("wb") as file:

        def put(*arrays, dtype=None) -> None:
            for array in arrays:
                file.write(np.ascontiguousarray(np.asarray(array, dtype)).tobytes())

        def matrix(*parts: Linear8) -> None:
            put(*(part.weight for part in parts), *(part.scale for part in parts))
            if any(part.bias is not None for part in parts):
                put(*(np.zeros(len(p.scale), np.float32) if p.bias is None else p.bias for p in parts))

        sizes = (config.hidden_size, config.intermediate_size, config.num_layers, config.num_heads)
        sizes += (config.num_kv_heads, config.head_dim, config.vocab_size, config.max_position)
        put((*sizes, config.attention_bias, config.qk_norm, 0, len(STEPS)), dtype=np.int64)
        put((config.rms_norm_eps, LOG2_E / math.sqrt(config.head_dim)), dtype=np.float32)
        put(weights.embed.weight, weights.embed.scale, weights.final_norm, weights.cos, weights.sin)
        for layer in weights.layers:
            put(layer.attn_norm, layer.mlp_norm)
            if config.qk_norm:
                put(layer.q_norm, layer.k_norm)
            matrix(layer.q, layer.k, layer.v)
            matrix(layer.o)
            matrix(in_turns(layer.gate, layer.up))
            matrix(layer.down)
        matrix(weights.head)
        for seed, count in enumerate(STEPS):
            put([count], tiny_tokens(seed, count), dtype=np.int64)


def expected_output(weights: Weights) -> bytes:
    """q, s and logits of each step by the reference."""
    backend = ReferenceBackend(weights)
    cache = backend.new_cache(sum(STEPS))
    parts = []
    for seed, count in enumerate(STEPS):
        hidden = backend.forward([Segment(cache, tiny_tokens(seed, count))])
        parts += [np.asarray(x).tobytes() for x in (hidden.q, hidden.s, backend.logits(hidden, None))]
    return b"".join(parts)


def build(isa: str, folder: Path) -> Path:
    program = folder / isa
    flags = [flag for flag in FLAGS if flag not in ("-shared", "-std=c11")]
    chosen = next(x.flags for x in ISAS["aarch64"] if x.name == isa)
    source = Path(__file__).with_name("engine_main.c")
    command = [COMPILER, "-std=gnu11", *flags, *chosen, "-static", "-o", str(program), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    return program


@pytest.mark.parametrize("isa", [isa.name for isa in ISAS["aarch64"]])
def test_an_emulated_arm_gives_the_bits(isa, tmp_path):
    program = build(isa, tmp_path)
    for family in ("llama", "qwen2", "qwen3"):
        weights = tiny_weights(family)
        write_input(tmp_path / "input", weights)
        command = [EMULATOR, "-cpu", "max", str(program), str(tmp_path / "input"), str(tmp_path / "output")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout.split()[0] == isa
        assert (tmp_path / "output").read_bytes() == expected_output(weights)
