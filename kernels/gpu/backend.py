"""The GPU backend: the forward pass over the Triton kernels, replayed from CUDA graphs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kernels.arrays import Array
from kernels.backend import BackendError, Hidden, Segment
from kernels.cache import Block
from kernels.gpu.arithmetic import INTERPRETED
from kernels.gpu.attention import attention
from kernels.gpu.batch import Inputs, Shape, choose_shape, rounded_tokens
from kernels.gpu.combine import Sums, combine_quantize
from kernels.gpu.embedding import embedding
from kernels.gpu.linear import linear, linear_argmax
from kernels.gpu.mlp import gate_up
from kernels.gpu.norm import quantize_with_max, rms_norm_quantize, scratch_rows
from kernels.gpu.pages import PagedCache, PagePool
from kernels.gpu.qkv import one_kernel_makes_qkv, project_qkv
from kernels.gpu.rope import rope_quantize
from kernels.weights import Layer, Linear8, Weights

MOST_GRAPHS = 128


@dataclass(frozen=True, slots=True)
class DeviceLinear:
    """As `Linear8`, on the device."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None


@dataclass(frozen=True, slots=True)
class DeviceLayer:
    """One layer on the device, with q, k and v as one matrix."""

    attn_norm: Tensor
    qkv: DeviceLinear
    q_norm: Tensor | None
    k_norm: Tensor | None
    o: DeviceLinear
    mlp_norm: Tensor
    gate: DeviceLinear
    up: DeviceLinear
    down: DeviceLinear


@dataclass(slots=True)
class _Graph:
    """A captured forward pass: fill `inputs`, replay, read `hidden` before the next replay."""

    inputs: Inputs
    graph: torch.cuda.CUDAGraph
    hidden: Hidden


class TritonBackend:
    """Runs the contract on a CUDA device, or on CPU tensors where the kernels are interpreted.

    `cache_positions` is the number of positions that all caches together can hold. A batch's shape is run
    eagerly the first time and captured as a CUDA graph the second (`graphs=False`: never). `splits` fixes the
    number of splits of the keys, which is otherwise chosen for speed; no choice changes a bit.
    """

    def __init__(
        self,
        weights: Weights,
        threads: int | None = None,
        *,
        cache_positions: int | None = None,
        page: int = 128,
        graphs: bool = True,
        splits: int | None = None,
    ) -> None:
        del threads  # of the CPU
        if not INTERPRETED and not torch.cuda.is_available():
            raise BackendError("the triton backend needs a CUDA device, and there is none")
        self.device = "cpu" if INTERPRETED else "cuda"
        self.config = weights.config
        self.graphs = graphs and not INTERPRETED
        self.splits = splits
        self._device = torch.device(self.device)
        self._seen: set[Shape] = set()
        self._captured: OrderedDict[Shape, _Graph] = OrderedDict()
        self._memory = torch.cuda.graph_pool_handle() if self.graphs else None
        self._embed = self._move(weights.embed)
        self._head = self._embed if weights.head is weights.embed else self._move(weights.head)
        self._layers = [self._move_layer(layer) for layer in weights.layers]
        self._final_norm, self._cos, self._sin = map(
            self._to_device, (weights.final_norm, weights.cos, weights.sin)
        )
        positions = cache_positions or max(131_072, 8 * self.config.max_position)
        self.pool = PagePool(self.config, positions, page, self._device)
        self.block = page
        self._max_pages = -(-self.config.max_position // page)

    def new_cache(self, capacity: int, prefix: Sequence[Block] = ()) -> PagedCache:
        """Raises CacheFull when the pool has too few pages left."""
        return PagedCache(self.config, capacity, self.pool, prefix)

    def cache_bytes(self, capacity: int, shared: int = 0) -> int:
        return (-(-capacity // self.pool.page) - shared) * self.pool.page_bytes

    def free_cache_bytes(self) -> int | None:
        return len(self.pool.free) * self.pool.page_bytes

    def forward(self, segments: Sequence[Segment]) -> Hidden:
        config = self.config
        shape = choose_shape(segments, config.group_size, config.num_kv_heads, self.pool.page, self.splits)
        rows = sum(len(segment.tokens) for segment in segments)
        if self.graphs and shape in self._seen:
            graph = self._graph(shape)
            graph.inputs.fill(segments, config.group_size, self.pool.page)
            graph.graph.replay()
            hidden = Hidden(graph.hidden.q[:rows].clone(), graph.hidden.s[:rows].clone())
        else:
            self._seen.add(shape)
            inputs = Inputs(shape, self._max_pages, self._device)
            inputs.fill(segments, config.group_size, self.pool.page)
            whole = self.run(inputs)
            hidden = Hidden(whole.q[:rows], whole.s[:rows])
        for segment in segments:
            segment.cache.advance(len(segment.tokens))
        return hidden

    def warm_up(self, tokens: int = 2048) -> None:
        """Compiles and captures the passes of one sequence of up to `tokens` new tokens.

        Seconds; a minute or two the first time on a machine, where the compiler's cache is empty. Without it
        the first pass of each shape waits for the compiler, and the second for the capture.
        """
        cache = self.new_cache(min(self.config.max_position, 4096 + tokens))
        lengths = sorted({min(rounded_tokens(n), tokens) for n in range(1, tokens + 1)})
        for past in (0, 1024, 4096):  # the steps of the keys, see `choose_splits`
            for new in [n for n in lengths if past + n <= cache.capacity]:
                for _ in range(2 if self.graphs else 1):
                    cache.length = past
                    self.forward([Segment(cache, np.zeros(new, np.int64))])

    def logits(self, hidden: Hidden, ids: np.ndarray | None) -> Tensor:
        q, s, columns_of = self._operands(hidden, ids)
        columns = self.config.vocab_size if ids is None else len(ids)
        out = torch.empty(len(q), columns, device=self._device)
        if out.numel():
            linear(q, s, self._head.weight, self._head.scale, out, ids=columns_of)
        return out

    def argmax(self, hidden: Hidden, ids: np.ndarray | None) -> Tensor:
        q, s, columns_of = self._operands(hidden, ids)
        return linear_argmax(q, s, self._head.weight, self._head.scale, ids=columns_of)

    def _operands(self, hidden: Hidden, ids: np.ndarray | None) -> tuple[Tensor, Tensor, Tensor | None]:
        q, s = (torch.as_tensor(part).to(self._device).contiguous() for part in (hidden.q, hidden.s))
        return q, s, None if ids is None else torch.as_tensor(ids).to(self._device, torch.int32)

    def run(self, inputs: Inputs) -> Hidden:
        """Launches one forward pass over `inputs`; allocates its own intermediate tensors."""
        config, device, shape = self.config, self._device, inputs.shape
        t, heads, dim = shape.tokens, config.num_heads, config.head_dim
        x = torch.empty(t, config.hidden_size, device=device)
        q8, s8 = scratch_rows(t, config.hidden_size, device)
        qkv = None
        if not one_kernel_makes_qkv(dim):
            qkv = torch.empty(t, config.q_size + 2 * config.kv_size, device=device)
        q, sq = (
            torch.empty(t, heads, dim, dtype=torch.int8, device=device),
            torch.empty(t, heads, device=device),
        )
        sums = Sums.allocate(shape.splits, t, heads, dim, device)
        attended, attended_s = scratch_rows(t, config.q_size, device)
        h = torch.empty(t, config.intermediate_size, device=device)
        h_max = torch.empty(t, dtype=torch.int32, device=device)
        h8, h8_s = scratch_rows(t, config.intermediate_size, device)
        eps = config.rms_norm_eps

        embedding(inputs.tokens, self._embed.weight, self._embed.scale, x)
        for index, layer in enumerate(self._layers):
            pages = (self.pool.k[index], self.pool.sk[index], self.pool.v[index], self.pool.sv[index])
            rms_norm_quantize(x, layer.attn_norm, eps, q8, s8)
            where = (inputs.positions, inputs.slots, self._cos, self._sin, q, sq, *pages)
            norms = (layer.q_norm, layer.k_norm, eps)
            if qkv is None:
                project_qkv(q8, s8, layer.qkv.weight, layer.qkv.scale, layer.qkv.bias, *where, *norms)
            else:
                linear(q8, s8, layer.qkv.weight, layer.qkv.scale, qkv, bias=layer.qkv.bias)
                rope_quantize(qkv, *where, *norms)
            attention(q, sq, *pages, inputs.batch, sums, tile=shape.tile)
            combine_quantize(sums, attended, attended_s, heads)
            linear(attended, attended_s, layer.o.weight, layer.o.scale, x, add=True)
            rms_norm_quantize(x, layer.mlp_norm, eps, q8, s8, zero=h_max)
            gate_up(q8, s8, layer.gate.weight, layer.gate.scale, layer.up.weight, layer.up.scale, h, h_max)
            quantize_with_max(h, h_max, h8, h8_s)
            linear(h8, h8_s, layer.down.weight, layer.down.scale, x, add=True)
        final_q, final_s = scratch_rows(t, config.hidden_size, device)
        rms_norm_quantize(x, self._final_norm, eps, final_q, final_s)
        return Hidden(final_q, final_s)

    def _graph(self, shape: Shape) -> _Graph:
        """The captured pass of a shape that has run eagerly before, so that all its kernels are compiled."""
        if shape in self._captured:
            self._captured.move_to_end(shape)
            return self._captured[shape]
        inputs = Inputs(shape, self._max_pages, self._device)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            hidden = self.run(inputs)
        self._captured[shape] = _Graph(inputs, graph, hidden)
        if len(self._captured) > MOST_GRAPHS:
            self._captured.popitem(last=False)
        return self._captured[shape]

    def _move(self, layer: Linear8) -> DeviceLinear:
        bias = None if layer.bias is None else self._to_device(layer.bias)
        return DeviceLinear(self._to_device(layer.weight), self._to_device(layer.scale), bias)

    def _to_device(self, array: Array) -> Tensor:
        return torch.as_tensor(array).to(self._device)

    def _move_layer(self, layer: Layer) -> DeviceLayer:
        parts = (layer.q, layer.k, layer.v)
        biases = [part.bias for part in parts if part.bias is not None]
        to = self._to_device
        qkv = DeviceLinear(
            torch.cat([to(part.weight) for part in parts]),
            torch.cat([to(part.scale) for part in parts]),
            torch.cat([to(bias) for bias in biases]) if biases else None,
        )
        return DeviceLayer(
            attn_norm=to(layer.attn_norm),
            qkv=qkv,
            q_norm=None if layer.q_norm is None else to(layer.q_norm),
            k_norm=None if layer.k_norm is None else to(layer.k_norm),
            o=self._move(layer.o),
            mlp_norm=to(layer.mlp_norm),
            gate=self._move(layer.gate),
            up=self._move(layer.up),
            down=self._move(layer.down),
        )
