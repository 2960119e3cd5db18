"""Lays a ragged batch out for the kernels: row blocks, positions, cache slots, padded to a graph's shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kernels.backend import Segment
from kernels.gpu.pages import PagedCache
from kernels.gpu.tiles import AttentionTile, attention_tile

PROGRAMS = 264  # two for each of an H100's 132 multiprocessors
MOST_SPLITS = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """Where each query of a ragged batch is, and which pages hold its keys. All int32, on the device.

    `tile_segment`, `tile_row` [tiles]: the segment of each row block (-1: none) and its first packed row.
    `start`, `length`, `past` [segments]: first flat token, number of query tokens, positions before them.
    `pages` [segments, max pages].
    """

    tile_segment: Tensor
    tile_row: Tensor
    start: Tensor
    length: Tensor
    past: Tensor
    pages: Tensor


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything a captured graph depends on. Padding a batch to it changes no bit of the real rows."""

    tokens: int
    segments: int
    tiles: int
    splits: int
    tile: AttentionTile


def row_tiles(lengths: Sequence[int], group: int, rows: int) -> np.ndarray:
    """int32 [2, tiles]: (segment, first packed row) of each block of `rows` packed query rows.

    A segment of n tokens has n * group packed rows. Later blocks see more keys, so they come first.
    """
    tiles = [(first, segment) for segment, n in enumerate(lengths) for first in range(0, n * group, rows)]
    tiles.sort(reverse=True)
    return np.array([(segment, first) for first, segment in tiles], dtype=np.int32).reshape(-1, 2).T


def rounded(count: int) -> int:
    """`count` rounded up to one of four steps an octave: at most 25 % of padding, few graphs."""
    step = 1 << max((count - 1).bit_length() - 3, 0)
    return -(-count // step) * step


def choose_splits(tiles: int, kv_heads: int, keys: int) -> int:
    """Splits of the keys, a power of two: enough programs to fill the device, at least 128 keys each."""
    wanted = min(PROGRAMS // max(tiles * kv_heads, 1), keys // 128, MOST_SPLITS)
    return 1 << (wanted.bit_length() - 1) if wanted > 1 else 1


def choose_shape(
    segments: Sequence[Segment],
    group: int,
    kv_heads: int,
    head_dim: int,
    page: int,
    splits: int | None = None,
) -> Shape:
    """The padded shape of a batch; `splits` overrides the choice (it changes speed only)."""
    lengths = [len(segment.tokens) for segment in segments]
    tile = attention_tile(max(lengths) * group, len(segments) * kv_heads, head_dim, page)
    tiles = sum(-(-n * group // tile.rows) for n in lengths)
    keys = max(segment.cache.length + n for segment, n in zip(segments, lengths, strict=True))
    if splits is None:
        splits = choose_splits(tiles, kv_heads, keys)
    return Shape(rounded(sum(lengths)), rounded(len(segments)), rounded(tiles), splits, tile)


class Inputs:
    """The integers of one forward pass in one device buffer, so that one copy brings a new batch."""

    def __init__(self, shape: Shape, max_pages: int, device: torch.device) -> None:
        t, b, n = shape.tokens, shape.segments, shape.tiles
        self.shape = shape
        self.max_pages = max_pages
        self._sizes = [t, t, t, n, n, b, b, b, b * max_pages]
        self._host = torch.zeros(sum(self._sizes), dtype=torch.int32)
        self._device = torch.zeros(sum(self._sizes), dtype=torch.int32, device=device)
        parts = self._device.split(self._sizes)
        self.tokens, self.positions, self.slots = parts[:3]
        tile_segment, tile_row, start, length, past, pages = parts[3:]
        self.batch = Batch(tile_segment, tile_row, start, length, past, pages.view(b, max_pages))

    def fill(self, segments: Sequence[Segment], group: int, page: int) -> None:
        """Writes the batch and copies it to the device."""
        host = [part.numpy() for part in self._host.split(self._sizes)]
        tokens, positions, slots, tile_segment, tile_row, start, length, past, pages = host
        slots.fill(-1)  # padding caches nothing
        tile_segment.fill(-1)
        tokens.fill(0)
        positions.fill(0)
        table = pages.reshape(-1, self.max_pages)
        row = 0
        for index, segment in enumerate(segments):
            cache, n = segment.cache, len(segment.tokens)
            assert isinstance(cache, PagedCache)
            at = np.arange(cache.length, cache.length + n)
            held = np.array(cache.pages, dtype=np.int64)
            tokens[row : row + n] = segment.tokens.numpy()
            positions[row : row + n] = at
            slots[row : row + n] = held[at // page] * page + at % page
            table[index, : len(held)] = held
            start[index], length[index], past[index] = row, n, cache.length
            row += n
        lengths = [len(segment.tokens) for segment in segments]
        tiles = row_tiles(lengths, group, self.shape.tile.rows)
        tile_segment[: tiles.shape[1]], tile_row[: tiles.shape[1]] = tiles
        self._device.copy_(self._host)
