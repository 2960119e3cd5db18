"""The cache in the layout that the C engine multiplies with, so that no pass packs a key or a value twice."""

from __future__ import annotations

import numpy as np

from kernels.cache import KVCache
from kernels.config import ModelConfig
from kernels.cpu.engine import LANES, PANEL
from kernels.cpu.structs import Cache, pointer


class PackedKVCache(KVCache):
    """attention.h describes the layout; `arrays` gives the plain one."""

    block = PANEL
    k_offset: np.ndarray
    sv_max: np.ndarray

    def _allocate(self, config: ModelConfig) -> None:
        self.shape = (config.num_layers, config.num_kv_heads, config.head_dim)
        heads = config.num_layers * config.num_kv_heads
        self.padded = -(-self.capacity // PANEL) * PANEL
        columns = -(-config.head_dim // LANES) * LANES
        self.k = np.zeros((heads, self.padded * config.head_dim), np.int8)
        self.v = np.zeros((heads, self.padded * columns), np.int8)
        self.k_offset = np.zeros((heads, self.padded), np.int32)
        self.sk, self.sv, self.sv_max = (np.zeros((heads, self.padded), np.float32) for _ in range(3))

    @classmethod
    def bytes_for(cls, config: ModelConfig, capacity: int) -> int:
        padded = -(-capacity // PANEL) * PANEL
        columns = -(-config.head_dim // LANES) * LANES
        return config.num_layers * config.num_kv_heads * padded * (config.head_dim + columns + 16)

    def _parts(self, start: int, stop: int) -> list[np.ndarray]:
        dim = self.shape[2]
        parts: list[np.ndarray] = [self.k[:, start * dim : stop * dim]]
        parts += [part[:, start:stop] for part in (self.k_offset, self.sk, self.sv, self.sv_max)]
        panel = 0
        for first in range(0, dim, PANEL):
            columns = -(-min(PANEL, dim - first) // LANES) * LANES
            at = self.padded * panel
            parts.append(self.v[:, at + start * columns : at + stop * columns])
            panel += columns
        return parts

    def release(self) -> None:
        super().release()
        self.padded = 0
        self.k_offset, self.sv_max = np.empty(0, np.int32), np.empty(0, np.float32)

    def struct(self) -> Cache:
        """Pointers into this object's memory."""
        parts: tuple[np.ndarray, ...] = (self.k, self.v, self.k_offset, self.sk, self.sv, self.sv_max)
        return Cache(*map(pointer, parts), self.padded)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        layers, heads, dim = self.shape
        k = self.k.reshape(layers, heads, self.padded // PANEL, dim // 4, PANEL, 4)
        k = k.transpose(0, 2, 4, 1, 3, 5).reshape(layers, self.padded, heads, dim)
        panels, start = [], 0
        for first in range(0, dim, PANEL):
            columns = -(-min(PANEL, dim - first) // LANES) * LANES
            panel = self.v[:, start : start + self.padded * columns]
            panel = panel.reshape(layers, heads, self.padded // 4, columns, 4).transpose(0, 2, 4, 1, 3)
            panels.append(panel.reshape(layers, self.padded, heads, columns))
            start += self.padded * columns
        v = np.concatenate(panels, axis=-1)[..., :dim]
        sk, sv = (s.reshape(layers, heads, self.padded).swapaxes(1, 2) for s in (self.sk, self.sv))
        count = self.length
        return k[:, :count], sk[:, :count], v[:, :count], sv[:, :count]
