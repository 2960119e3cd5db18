"""The static launch table of the matrix products. Tiles change speed only: integer sums have no order."""

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


def gate_up_tile(rows: int, columns: int) -> Tile:
    """Tile of the fused gate and up product; `columns` counts each of the two, with an accumulator each."""
    if rows <= 16:
        return Tile(16, 32 if columns <= 4096 else 64, 256, 4, 4)
    if rows <= 64:
        return Tile(64, 16 if columns <= 4096 else 32, 128, 4, 4)
    if rows <= 256 and columns <= 4096:
        return Tile(64, 32, 128, 4, 4)
    return Tile(64, 64, 128, 4, 3)
