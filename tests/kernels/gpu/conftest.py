"""Runs every Triton kernel on the CPU, in the interpreter that tests/conftest.py asks for, without a GPU."""

from __future__ import annotations

import torch
import triton.runtime.interpreter as interpreter

_patch_lang_tensor = interpreter._patch_lang_tensor


def _patch_with_item(tensor: type, scope: interpreter._LangPatchScope) -> None:
    # Triton 3.6's interpreter takes the int of a one-element array, which numpy >= 2.4 refuses
    # (triton-lang/triton#9171).
    _patch_lang_tensor(tensor, scope)
    scope.set_attr(tensor, "__index__", lambda self: self.handle.data.item())


interpreter._patch_lang_tensor = _patch_with_item

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
