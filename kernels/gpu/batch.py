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


def row_tiles(lengths: Sequence[int] | np.ndarray, group: int, rows: int) -> np.ndarray:
    """int32 [2, tiles]: (segment, first packed row) of each block of `rows` packed query rows.

    A segment of n tokens has n * group packed rows. Later blocks see more keys, so they come first.
    """
    counts = -(-np.asarray(lengths) * group // rows)
    segment = np.repeat(np.arange(len(counts)), counts)
    first = (np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)) * rows
    order = np.argsort(-first, kind="stable")
    return np.stack((segment[order], first[order])).astype(np.int32)


def rounded_tokens(count: int) -> int:
    """A power of two up to 512, then one of four steps an octave.

    Up to 512 rows a pass costs little more than its launches: few graphs are worth more than few rows.
    """
    if count <= 512:
        return 1 << (count - 1).bit_length()
    step = 1 << ((count - 1).bit_length() - 3)
    return -(-count // step) * step


def rounded_segments(count: int) -> int:
    """A power of eight: places for segments cost a few integers each."""
    return 8 ** -(-(count - 1).bit_length() // 3)


def choose_splits(programs: int, keys: int) -> int:
    """Splits of the keys, a power of two: enough programs to fill the device.

    `programs` is the number of programs for one split. Keys fall into three classes (up to 128, up to 2,048,
    more), so that a growing sequence passes through few shapes.
    """
    most = 1 if keys <= 128 else MOST_SPLITS // 2 if keys <= 2048 else MOST_SPLITS
    wanted = min(PROGRAMS // max(programs, 1), most)
    return 1 << (wanted.bit_length() - 1) if wanted > 1 else 1


def choose_shape(
    segments: Sequence[Segment],
    group: int,
    kv_heads: int,
    page: int,
    splits: int | None = None,
) -> Shape:
    """The padded shape of a batch; `splits` overrides the choice (it changes speed only).

    Everything follows from the rounded numbers of tokens and segments, the tile of the longest segment and
    the step of the keys: passes of any length fall on a few dozen graphs.
    """
    lengths = [len(segment.tokens) for segment in segments]
    tokens, places = rounded_tokens(sum(lengths)), rounded_segments(len(segments))
    longest = rounded_tokens(max(lengths))
    tile = attention_tile(longest * group, places * kv_heads, page)
    tiles = -(-tokens * group // tile.rows) + (min(places, tokens) if places > 1 else 0)
    if splits is None:
        keys = max(segment.cache.length + n for segment, n in zip(segments, lengths, strict=True))
        splits = choose_splits(tiles * kv_heads, keys)
    return Shape(tokens, places, tiles, splits, tile)


class Inputs:
    """The integers of one forward pass in one device buffer, so that one copy brings a new batch."""

    def __init__(self, shape: Shape, max_pages: int, device: torch.device) -> None:
        t, b, n = shape.tokens, shape.segments, shape.tiles
        self.shape = shape
        self.max_pages = max_pages
        sizes = [t, t, t, n, n, b, b, b, b * max_pages]
        self._host = torch.zeros(sum(sizes), dtype=torch.int32)
        self._host_parts = [part.numpy() for part in self._host.split(sizes)]
        self._device = torch.zeros(sum(sizes), dtype=torch.int32, device=device)
        parts = self._device.split(sizes)
        self.tokens, self.positions, self.slots = parts[:3]
        tile_segment, tile_row, start, length, past, pages = parts[3:]
        self.batch = Batch(tile_segment, tile_row, start, length, past, pages.view(b, max_pages))

    def fill(self, segments: Sequence[Segment], group: int, page: int) -> None:
        """Writes the batch and copies it to the device."""
        tokens, positions, slots, tile_segment, tile_row, start, length, past, pages = self._host_parts
        for part, padding in ((tokens, 0), (positions, 0), (slots, -1), (tile_segment, -1)):
            part.fill(padding)  # slot -1 caches nothing, segment -1 is no work
        table = pages.reshape(-1, self.max_pages)
        count = len(segments)
        for index, segment in enumerate(segments):
            assert isinstance(segment.cache, PagedCache)
            table[index, : len(segment.cache.pages)] = segment.cache.pages
        lengths = np.array([len(segment.tokens) for segment in segments])
        total = int(lengths.sum())
        length[:count] = lengths
        start[:count] = np.cumsum(lengths) - lengths
        past[:count] = [segment.cache.length for segment in segments]
        of_token = np.repeat(np.arange(count), lengths)
        at = np.arange(total) + (past[:count] - start[:count])[of_token]
        tokens[:total] = np.concatenate([segment.tokens for segment in segments])
        positions[:total] = at
        slots[:total] = table[of_token, at // page] * page + at % page
        tiles = row_tiles(lengths, group, self.shape.tile.rows)
        tile_segment[: tiles.shape[1]], tile_row[: tiles.shape[1]] = tiles
        self._device.copy_(self._host)
