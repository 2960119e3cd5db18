"""Arrays: numpy's wherever a CPU computes; torch's on a GPU, in training and in what is given to them.

Nothing that serves on a CPU imports torch.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

Array = Any  # np.ndarray, or torch.Tensor


def as_numpy(array: Array) -> np.ndarray:
    """The same values in main memory; a torch tensor on the CPU shares its memory."""
    return array if isinstance(array, np.ndarray) else array.detach().cpu().numpy()


def arrays_sha256(*arrays: Array) -> str:
    """SHA-256 over the bytes of arrays, each C-contiguous and little-endian."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(as_numpy(array)).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
