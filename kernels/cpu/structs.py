"""The C engine's structures (linear.h, attention.h, forward.h), field for field."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int64, c_void_p

import numpy as np


class Linear(ctypes.Structure):
    _fields_ = (
        ("n", c_int64),
        ("k", c_int64),
        ("packed", c_void_p),
        ("offset", c_void_p),
        ("scale", c_void_p),
        ("bias", c_void_p),
    )


class LayerWeights(ctypes.Structure):
    _fields_ = (
        ("attn_norm", c_void_p),
        ("mlp_norm", c_void_p),
        ("q_norm", c_void_p),
        ("k_norm", c_void_p),
        ("qkv", Linear),
        ("o", Linear),
        ("gate_up", Linear),
        ("down", Linear),
    )


class ModelWeights(ctypes.Structure):
    _fields_ = (
        ("hidden", c_int64),
        ("inner", c_int64),
        ("layers", c_int64),
        ("heads", c_int64),
        ("kv_heads", c_int64),
        ("head_dim", c_int64),
        ("eps", c_float),
        ("score", c_float),
        ("embed", c_void_p),
        ("embed_scale", c_void_p),
        ("final_norm", c_void_p),
        ("cosine", c_void_p),
        ("sine", c_void_p),
        ("layer", POINTER(LayerWeights)),
    )


class Cache(ctypes.Structure):
    _fields_ = (
        ("k", c_void_p),
        ("v", c_void_p),
        ("k_offset", c_void_p),
        ("sk", c_void_p),
        ("sv", c_void_p),
        ("sv_max", c_void_p),
        ("capacity", c_int64),
    )


class Sequence(ctypes.Structure):
    _fields_ = (("cache", Cache), ("start", c_int64), ("count", c_int64))


def pointer(array: np.ndarray | None) -> int | None:
    """Address of a contiguous array; the caller keeps the array alive."""
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError("the C engine reads contiguous arrays")
    return array.ctypes.data
