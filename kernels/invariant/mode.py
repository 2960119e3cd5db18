"""The context manager, and which operators it replaces.

Both torch modes are kept per thread and stacked by torch itself: leaving the context, also by an exception,
restores what was there; contexts nest; other threads are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from kernels.invariant import ordered

aten = torch.ops.aten


@contextmanager
def batch_invariant() -> Iterator[None]:
    """Matrix products, softmax, log-softmax, mean, sum, RMSNorm and attention in one fixed order.

    For inference in float32, bfloat16 or float16. Everything else runs as usual: element-wise operators are
    invariant already, except for a few on the CPU, which are replaced too. On CUDA the operators are Triton
    kernels, and a CUDA graph may be captured inside; on the CPU they are plain and slow. Raises
    NotImplementedError for attention with dropout.
    """
    with _Functions(), _Operators():  # type: ignore[no-untyped-call]
        yield


class _Functions(TorchFunctionMode):
    """Intercepts attention before torch picks one of its fused kernels."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.scaled_dot_product_attention:
            return _attention(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):
    """The operators that reduce; composite ones are decomposed until only these, or ones that reduce nothing,
    are left.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        replacement = _REPLACED.get(func)
        if replacement is None and func in _REPLACED_ON_CPU and not args[0].is_cuda:
            replacement = _REPLACED_ON_CPU[func]
        if replacement is not None:
            return replacement(*args, **kwargs)
        if func._can_decompose():
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return func(*args, **kwargs)


def _kernels(x: Tensor) -> ModuleType:
    if not x.is_cuda:
        return ordered
    from kernels.invariant import fixed

    return fixed


def _mm(a: Tensor, b: Tensor) -> Tensor:
    if not a.is_floating_point():
        return aten.mm.default(a, b)
    return _kernels(a).matmul(a[None], b[None])[0]


def _addmm(bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if beta == 1 and alpha == 1 and a.is_floating_point():
        return _kernels(a).matmul(a[None], b[None], bias)[0]
    return beta * bias + alpha * _mm(a, b)


def _bmm(a: Tensor, b: Tensor) -> Tensor:
    if not a.is_floating_point():
        return aten.bmm.default(a, b)
    return _kernels(a).matmul(a, b)


def _baddbmm(bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    product = _bmm(a, b)
    return alpha * product if beta == 0 else beta * bias + alpha * product


def _soft(log: bool) -> Callable[..., Tensor]:
    def run(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
        x = x.float() if half_to_float else x
        rows = x.movedim(dim, -1)
        flat = rows.reshape(-1, rows.shape[-1]).contiguous() if rows.dim() else rows.reshape(1, 1)
        return _kernels(x).softmax(flat, log).reshape(rows.shape).movedim(-1, dim)

    return run


def _sum(
    x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    if not x.is_floating_point():
        return aten.sum.dim_IntList(x, dim, keepdim, dtype=dtype)
    rows, shape = _rows(x, dim, keepdim)
    return _kernels(x).row_sum(rows).reshape(shape).to(dtype or x.dtype)


def _mean(
    x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    rows, shape = _rows(x, dim, keepdim)
    return (_kernels(x).row_sum(rows) / rows.shape[1]).reshape(shape).to(dtype or x.dtype)


def _rows(x: Tensor, dim: Sequence[int] | None, keepdim: bool) -> tuple[Tensor, list[int]]:
    """x as [rows, reduced], contiguous, and the shape of the result."""
    dims = sorted({d % x.dim() for d in dim}) if dim else list(range(x.dim()))
    kept = [d for d in range(x.dim()) if d not in dims]
    shape = [1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d in kept]
    width = 1
    for d in dims:
        width *= x.shape[d]
    return x.permute(*kept, *dims).reshape(-1, width).contiguous(), shape


def _fused_rms_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None, eps: float | None
) -> tuple[Tensor, Tensor]:
    width = 1
    for n in shape:
        width *= n
    rows = x.reshape(-1, width).contiguous()
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    flat = None if weight is None else weight.reshape(-1).contiguous()
    scale = torch.rsqrt(_kernels(x).row_sum(rows.float().square()) / width + eps)
    lead = list(x.shape[: x.dim() - len(shape)]) + [1] * len(shape)
    return _kernels(x).rms_norm(rows, flat, eps).reshape(x.shape), scale.reshape(lead)


def _rms_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    width = 1
    for n in shape:
        width *= n
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    flat = None if weight is None else weight.reshape(-1).contiguous()
    return _kernels(x).rms_norm(x.reshape(-1, width).contiguous(), flat, eps).reshape(x.shape)


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    del enable_gqa  # the head counts say it
    if dropout_p:
        raise NotImplementedError("batch-invariant attention is for inference: dropout_p must be 0")
    if query.dim() != 4:
        lead = query.shape[:-2]
        q, k, v = (x.reshape(-1, 1, *x.shape[-2:]) for x in (query, key, value))
        mask = None if attn_mask is None else attn_mask.expand(*lead, *attn_mask.shape[-2:])
        mask = None if mask is None else mask.reshape(-1, 1, *mask.shape[-2:])
        out = _attention(q, k, v, mask, 0.0, is_causal, scale)
        return out.reshape(*lead, *out.shape[-2:])
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=torch.float32).masked_fill(
                ~attn_mask, float("-inf")
            )
        attn_mask = attn_mask.expand(*query.shape[:3], key.shape[2])
    return _kernels(query).attention(query, key, value, attn_mask, is_causal, scale)


_REPLACED: dict[Any, Callable[..., Any]] = {
    aten.mm.default: _mm,
    aten.addmm.default: _addmm,
    aten.bmm.default: _bmm,
    aten.baddbmm.default: _baddbmm,
    aten._softmax.default: _soft(log=False),
    aten._log_softmax.default: _soft(log=True),
    aten.sum.dim_IntList: _sum,
    aten.mean.dim: _mean,
    aten._fused_rms_norm.default: _fused_rms_norm,
    aten.rms_norm.default: _rms_norm,
    aten.scaled_dot_product_attention.default: _attention,
}

# Torch's CPU loops give different bits for these in a vector's body and in its tail.
_REPLACED_ON_CPU: dict[Any, Callable[..., Any]] = {
    aten.rsqrt.default: ordered.rsqrt,
    aten.sigmoid.default: ordered.sigmoid,
    aten.silu.default: ordered.silu,
    aten.gelu.default: ordered.gelu,
}
