"""Single kernels, tile by tile: `python -m evals.kernels.bench_kernels` prints a line for each.

Beside the tile that the launch table takes stand the best of the tiles tried, cuBLAS int8 or SDPA, and the
ceilings of the device. `--compile I/N` only compiles, for the Ith of N processes that fill Triton's cache.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from evals.kernels.cases import CASES, CONTEXT, backend_for, exact_pass
from evals.kernels.timing import kernel_us
from kernels.backend import Segment
from kernels.config import ModelConfig
from kernels.gpu.attention import attention
from kernels.gpu.backend import TritonBackend
from kernels.gpu.batch import Inputs, choose_shape
from kernels.gpu.combine import Sums
from kernels.gpu.linear import linear
from kernels.gpu.mlp import gate_up
from kernels.gpu.qkv import project_qkv
from kernels.gpu.rope import rope_quantize
from kernels.gpu.tiles import AttentionTile, Tile
from kernels.shapes import SHAPES


def int8_operands(rows: int, depth: int, columns: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    def int8(*shape: int) -> Tensor:
        return torch.randint(-127, 128, shape, dtype=torch.int8, device="cuda")

    return (
        int8(rows, depth),
        torch.rand(rows, device="cuda"),
        int8(columns, depth),
        torch.rand(columns, device="cuda"),
    )


LINEAR_SHAPES = (  # (rows, depth, columns) and the tiles to try beside the launch table's
    (6144, 576, 960),
    (6144, 576, 576),
    (6144, 1536, 576),
    (2048, 1536, 576),
    (6144, 1536, 2048),
    (6144, 8960, 1536),
    (2048, 8960, 1536),
    (64, 576, 960),
    (64, 1536, 576),
    (64, 8960, 1536),
    (1, 576, 960),
    (1, 1536, 576),
    (1, 1536, 2048),
    (1, 8960, 1536),
    (256, 1536, 576),
    (256, 8960, 1536),
)
LARGE_TILES = (
    Tile(64, 128, 128, 4, 4), Tile(64, 64, 128, 4, 4), Tile(128, 64, 128, 4, 4), Tile(64, 128, 128, 4, 3),
    Tile(64, 256, 128, 4, 3), Tile(128, 128, 128, 8, 4), Tile(64, 64, 64, 4, 4),
)  # fmt: skip
MEDIUM_TILES = (
    Tile(64, 32, 128, 4, 4), Tile(64, 16, 128, 4, 5), Tile(64, 32, 256, 4, 4), Tile(64, 16, 256, 4, 5),
    Tile(64, 64, 256, 4, 3),
)  # fmt: skip
SMALL_TILES = (
    Tile(16, 16, 512, 4, 4), Tile(16, 32, 256, 4, 4), Tile(16, 32, 512, 4, 4), Tile(16, 64, 256, 4, 4),
    Tile(16, 32, 512, 8, 4),
)  # fmt: skip


def tiles_for(rows: int) -> tuple[Tile, ...]:
    return SMALL_TILES if rows <= 16 else MEDIUM_TILES if rows <= 256 else LARGE_TILES


def bench_linear(compile_only: tuple[int, int] | None = None) -> None:
    """Each product with its table tile, the best of the tiles tried, and cuBLAS int8 without an epilogue."""
    for index, (rows, depth, columns) in enumerate(LINEAR_SHAPES):
        if compile_only and index % compile_only[1] != compile_only[0]:
            continue
        q, s, w, ws = int8_operands(rows, depth, columns)
        # Rotating weights keep a stream of them from sitting in the L2 cache.
        copies = [w] + [w.clone() for _ in range(3)] if rows <= 256 else [w]
        out = torch.zeros(rows, columns, device="cuda")

        def timed(tile: Tile | None) -> float:
            def run() -> None:
                for copy in copies:  # noqa: B023
                    linear(q, s, copy, ws, out, add=True, tile=tile)  # noqa: B023

            if compile_only:
                run()
                return 0.0
            return kernel_us(run, 4) / len(copies)  # noqa: B023

        table = timed(None)
        results = {}
        for tile in tiles_for(rows):
            try:
                results[tile] = timed(tile)
            except Exception as error:  # a tile that does not fit is no failure of the sweep
                print("skipped", tile, type(error).__name__)
        if compile_only:
            continue
        padded = q if rows > 16 else q.expand(32, depth).contiguous()
        cublas = kernel_us(lambda: [torch._int_mm(padded, copy.T) for copy in copies], 4) / len(copies)  # noqa: B023
        best = min(results, key=lambda tile: results[tile])
        tops = 2 * rows * depth * columns / 1e6
        gbs = (rows * depth + columns * depth + 8 * rows * columns) / 1e3
        print(
            f"linear {rows}x{depth}x{columns}: table {table:.1f} us ({tops / table:.0f} TOP/s, "
            f"{gbs / table:.0f} GB/s), best {results[best]:.1f} {best}, cuBLAS int8 {cublas:.1f} us",
            flush=True,
        )


GATE_UP_SHAPES = ((6144, 576, 1536), (2048, 1536, 8960), (256, 576, 1536), (256, 1536, 8960), (1, 1536, 8960))
GATE_UP_TILES = (
    Tile(64, 64, 64, 4, 4), Tile(64, 32, 128, 4, 4), Tile(64, 64, 128, 4, 3), Tile(64, 16, 128, 4, 4),
    Tile(64, 64, 128, 8, 3), Tile(64, 128, 128, 8, 2),
)  # fmt: skip


def bench_gate_up(compile_only: tuple[int, int] | None = None) -> None:
    for index, (rows, depth, columns) in enumerate(GATE_UP_SHAPES):
        if compile_only and index % compile_only[1] != compile_only[0]:
            continue
        q, s, w, ws = int8_operands(rows, depth, columns)
        u = w.flip(0).contiguous()
        h = torch.zeros(rows, columns, device="cuda")
        row_max = torch.zeros(rows, dtype=torch.int32, device="cuda")
        tiles: tuple[Tile | None, ...] = (None, *(SMALL_TILES[:4] if rows <= 16 else GATE_UP_TILES))
        results: dict[Tile | None, float] = {}
        for tile in tiles:
            run = lambda: gate_up(q, s, w, ws * 0.001, u, ws, h, row_max, tile=tile)  # noqa: B023, E731
            try:
                if compile_only:
                    run()
                else:
                    results[tile] = kernel_us(run)
            except Exception as error:
                print("skipped", tile, type(error).__name__)
        if results:
            best = min(results, key=lambda tile: results[tile])
            tops = 4 * rows * depth * columns / 1e6 / results[None]
            print(
                f"gate_up {rows}x{depth}x2x{columns}: table {results[None]:.1f} us ({tops:.0f} TOP/s), "
                f"best {results[best]:.1f} {best}",
                flush=True,
            )


PREFILL_TILES = (AttentionTile(64, 128, 4, 2), AttentionTile(64, 64, 4, 2, 168), AttentionTile(64, 64, 4, 2))
DECODE_TILES = (AttentionTile(16, 64, 2, 2), AttentionTile(16, 64, 2, 3), AttentionTile(16, 128, 4, 2))
ATTENTION_CASES = ((1, 2048, 0), (1, 6000, 0), (64, 1, CONTEXT), (256, 1, CONTEXT))


def bench_attention(compile_only: tuple[int, int] | None = None) -> None:
    """Attention of one layer by tile, and SDPA in bf16."""
    number = 0
    for name, config in SHAPES.items():
        backend = None
        for sequences, new, past in ATTENTION_CASES:
            case = f"attention {name} {sequences}x{new}+{past}"
            scores = sequences * config.num_heads * (new * past + new * (new + 1) / 2)
            for tile in PREFILL_TILES if new > 1 else DECODE_TILES:
                number += 1
                if compile_only and number % compile_only[1] != compile_only[0]:
                    continue
                backend = backend or backend_for(name, layers=1)
                run = attention_pass(backend, sequences, new, past, tile)
                if compile_only:
                    run()
                    continue
                us = kernel_us(run, 4)
                rate = scores / us / 1e6
                print(
                    f"attention {name} {sequences}x{new}+{past} {tile}: {us:.0f} us, {rate:.2f} T scores/s",
                    flush=True,
                )
            if not compile_only:
                us = kernel_us(plain_attention(config, sequences, new, past), 4)
                print(f"{case} SDPA bf16: {us:.0f} us", flush=True)


def plain_attention(config: ModelConfig, sequences: int, new: int, past: int) -> Callable[[], Tensor]:
    """SDPA over the same number of queries and keys."""
    heads, kv, dim = config.num_heads, config.num_kv_heads, config.head_dim
    q = torch.randn(sequences, heads, new, dim, dtype=torch.bfloat16, device="cuda")
    k = torch.randn(sequences, kv, past + new, dim, dtype=torch.bfloat16, device="cuda")
    v = torch.randn_like(k)
    return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=new > 1, enable_gqa=True)


def attention_pass(
    backend: TritonBackend, sequences: int, new: int, past: int, tile: AttentionTile
) -> Callable[[], None]:
    """Attention over one layer's pages, both passes, without the quantiser after it."""
    config, device = backend.config, torch.device("cuda")
    segments = []
    for _ in range(sequences):
        cache = backend.new_cache(past + new)
        cache.length = past
        segments.append(Segment(cache, np.zeros(new, np.int64)))
    group, heads, dim = config.group_size, config.num_heads, config.head_dim
    shape = choose_shape(segments, group, config.num_kv_heads, backend.pool.page, splits=1)
    shape = dataclasses.replace(shape, tile=tile, tiles=sequences * -(-new * group // tile.rows))
    inputs = Inputs(shape, 64, device)
    inputs.fill(segments, group, backend.pool.page)
    t = shape.tokens
    q = torch.randint(-127, 128, (t, heads, dim), dtype=torch.int8, device=device)
    sq = torch.rand(t, heads, device=device) / 64
    pages = (backend.pool.k[0], backend.pool.sk[0], backend.pool.v[0], backend.pool.sv[0])
    sums = Sums.allocate(1, t, heads, dim, device)

    return lambda: attention(q, sq, *pages, inputs.batch, sums, tile=tile)


QKV_ROWS = (1, 64, 256, 2048, 6000)


def bench_qkv(compile_only: tuple[int, int] | None = None) -> None:
    """Q, K and V of one layer by one kernel, and by a product and a second kernel."""
    for index, (name, rows) in enumerate((name, rows) for name in SHAPES for rows in QKV_ROWS):
        if compile_only and index % compile_only[1] != compile_only[0]:
            continue
        backend = backend_for(name, layers=1)
        config, weight = backend.config, backend._layers[0].qkv
        x, sx, _, _ = int8_operands(rows, config.hidden_size, 1)
        positions = torch.arange(rows, dtype=torch.int32, device="cuda")
        q = torch.empty(rows, config.num_heads, config.head_dim, dtype=torch.int8, device="cuda")
        sq = torch.empty(rows, config.num_heads, device="cuda")
        out = torch.empty(rows, len(weight.weight), device="cuda")
        pool = backend.pool
        pages = (pool.k[0], pool.sk[0], pool.v[0], pool.sv[0])
        where = (positions, positions, backend._cos, backend._sin, q, sq, *pages)
        one = lambda: project_qkv(x, sx, weight.weight, weight.scale, weight.bias, *where)  # noqa: B023, E731

        def two() -> None:
            linear(x, sx, weight.weight, weight.scale, out, bias=weight.bias)  # noqa: B023
            rope_quantize(out, *where)  # noqa: B023

        if compile_only:
            one()
            two()
        else:
            print(f"qkv {name} {rows}: {kernel_us(one):.1f} us, in two {kernel_us(two):.1f} us", flush=True)


def bench_ceilings() -> None:
    big = torch.randint(-127, 128, (1 << 32,), dtype=torch.int8, device="cuda")
    other = torch.empty_like(big)
    copy = kernel_us(lambda: other.copy_(big), 2)
    q, _, w, _ = int8_operands(8192, 8192, 8192)
    cublas = kernel_us(lambda: torch._int_mm(q, w.T), 4)
    s = torch.rand(8192, device="cuda")
    out = torch.empty(8192, 8192, device="cuda")
    ours = kernel_us(lambda: linear(q, s, w, s, out), 4)
    a, b = (torch.randn(8192, 8192, dtype=torch.bfloat16, device="cuda") for _ in range(2))
    bf16 = kernel_us(lambda: a @ b, 4)
    work = 2 * 8192**3 / 1e6
    print(
        f"copy {2 * (1 << 32) / copy / 1e3:.0f} GB/s; 8192^3: cuBLAS int8 {work / cublas:.0f} TOP/s, "
        f"bf16 {work / bf16:.0f} TFLOP/s; linear with scales and float32 out {work / ours:.0f} TOP/s"
    )


def compile_part(part: int, parts: int) -> None:
    """Runs every kernel variant of this part once."""
    for number, (name, case) in enumerate((n, c) for n in SHAPES for c in CASES):
        if number % parts == part:
            exact_pass(backend_for(name, layers=1), *case[1:])()
    bench_linear((part, parts))
    bench_gate_up((part, parts))
    bench_qkv((part, parts))
    bench_attention((part, parts))
    torch.cuda.synchronize()


def main() -> None:
    """Prints every line, or compiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", metavar="I/N", help="compile only")
    options = parser.parse_args()
    torch.manual_seed(0)
    if options.compile:
        compile_part(*map(int, options.compile.split("/")))
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    bench_ceilings()
    bench_linear()
    bench_gate_up()
    bench_qkv()
    bench_attention()


if __name__ == "__main__":
    main()
