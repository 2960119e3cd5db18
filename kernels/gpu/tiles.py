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
        return Tile(16, 16 if columns <= 4096 else 32, 256, 2 if columns <= 4096 else 4, 4)
    if rows <= 32:
        return Tile(32, 32, 128, 4, 4)
    whole = 128 if depth % 128 == 0 else 64
    if rows <= 128:
        return Tile(64, 32 if columns <= 4096 else 64, whole, 4, 4)
    programs = (rows // 128) * (columns // 128)
    if programs < 128:
        return Tile(64, 64, whole, 4, 4)
    return Tile(128, 128, whole, 8, 4 if whole == 64 else 3)


def gate_up_tile(rows: int, columns: int, depth: int) -> Tile:
    """Tile of the fused gate and up product; `columns` counts each of the two, with an accumulator each."""
    if rows <= 16:
        return Tile(16, 16, 256, 2, 4)
    if rows <= 32:
        return Tile(32, 32, 128, 4, 4)
    whole = 128 if depth % 128 == 0 else 64
    if rows <= 128 or (rows // 128) * (columns // 64) < 128:
        return Tile(64, 32, whole, 4, 4)
    return Tile(128, 64, whole, 8, 4 if whole == 64 else 3)
