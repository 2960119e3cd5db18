"""The static launch tables. Tiles change speed only: integer sums have no order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows, columns and depth of one program's tile, its warps, and the depth of its software pipeline."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int

    def options(self) -> dict[str, int]:
        """Keyword arguments of a launch."""
        return {
            "BM": self.rows,
            "BN": self.columns,
            "BK": self.depth,
            "num_warps": self.warps,
            "num_stages": self.stages,
        }


def matmul_tile(rows: int, columns: int, depth: int) -> Tile:
    """Tile of an int8 product [rows, depth] x [columns, depth]^T.

    Few rows: the product is a stream of weights, so narrow tiles put many programs on it.
    """
    if rows <= 16:
        return Tile(16, 64, 256, 4, 4) if columns > 4096 else Tile(16, 32, 512 if depth > 1024 else 256, 4, 4)
    if rows <= 64 and columns <= 2048:
        return Tile(64, 16, 256 if depth > 1024 else 128, 4, 5)
    if rows <= 256:
        return Tile(64, 32 if columns <= 4096 else 64, 256 if columns <= 4096 else 128, 4, 4)
    if depth >= 4096 or rows * columns <= 1 << 21:
        return Tile(64, 128 if columns >= 1024 else 64, 128, 4, 4)
    return Tile(128, 64, 128, 4, 4)


def qkv_tile(rows: int, head_dim: int) -> Tile:
    """Tile of the product that makes Q, K and V; its columns are a head."""
    if rows <= 64:
        return Tile(16, head_dim, 128 if rows <= 16 and head_dim <= 64 else 256, 4, 4)
    return Tile(64 if rows <= 256 else 128, head_dim, 128, 4, 4)


def gate_up_tile(rows: int, columns: int) -> Tile:
    """Tile of the fused gate and up product; `columns` counts each of the two, with an accumulator each."""
    if rows <= 16:
        return Tile(16, 32 if columns <= 4096 else 64, 256, 4, 4)
    if rows <= 64:
        return Tile(64, 16 if columns <= 4096 else 32, 128, 4, 4)
    if rows <= 256 and columns <= 4096:
        return Tile(64, 32, 128, 4, 4)
    return Tile(64, 64, 64, 4, 4) if columns <= 4096 else Tile(64, 64, 128, 4, 3)


FILLING_PROGRAMS = 512  # about four for each of an H100's multiprocessors


@dataclass(frozen=True, slots=True)
class AttentionTile:
    """Packed query rows and keys of one program, its warps and pipeline depth. Changes speed only.

    A page's number is fetched before the page, so the compiler halves the depth: with five stages the keys
    and values are two blocks ahead.
    """

    rows: int
    keys: int
    warps: int
    stages: int
    registers: int | None = None  # a limit for each thread, so that more programs fit a multiprocessor

    def options(self) -> dict[str, int | None]:
        """Keyword arguments of a launch."""
        return {
            "BM": self.rows,
            "BN": self.keys,
            "STAGES": self.stages,
            "num_warps": self.warps,
            "num_stages": self.stages,
            "maxnreg": self.registers,
        }


def attention_tile(packed_rows: int, programs: int, page: int) -> AttentionTile:
    """Tile for segments of at most `packed_rows` = query tokens times heads of a group.

    `programs` is the number of (segment, key head) pairs: when they fill the device, small programs are best.
    """
    if packed_rows <= 32:
        rows = 16 if packed_rows <= 16 else 32
        if programs >= FILLING_PROGRAMS:
            return AttentionTile(rows, min(64, page), 2, 2)
        return AttentionTile(rows, min(128, page), 4, 2)
    return AttentionTile(64, min(128, page), 4, 5)


def maxima_tile(tile: AttentionTile, page: int) -> AttentionTile:
    """Tile of the pass over the keys that finds the maxima, for segments whose sums take `tile`."""
    if tile.rows < 64:
        return AttentionTile(tile.rows, min(128, page), tile.warps, tile.stages)
    return AttentionTile(tile.rows, min(128, page), tile.warps, 5)
