"""Deterministic edits: original bytes + edit -> new bytes, diff and receipt.

from applier import Applier, EditRequest

result = Applier.from_default().apply(EditRequest(original=..., edit=..., path="example.py"))
"""

from typing import TYPE_CHECKING, Any

import kernels

if TYPE_CHECKING:
    from applier.api.clients import AsyncClient, Client
    from applier.patches.types import PatchRequest, PatchResult
    from applier.pipeline import Applier
    from applier.types import EditFormat, EditOptions, EditRequest, EditResult, Status

if getattr(kernels, "PROJECT", None) != "samebytes":
    raise ImportError(
        f"{kernels.__file__} is not the package `kernels` of samebytes: another one of this name, such as "
        "Hugging Face's, has taken its place. Install samebytes into an environment without it: "
        "`pip uninstall kernels`, then `pip install --force-reinstall --no-deps samebytes`."
    )

_HOMES = {
    "Applier": "applier.pipeline",
    "AsyncClient": "applier.api.clients",
    "Client": "applier.api.clients",
    "EditFormat": "applier.types",
    "EditOptions": "applier.types",
    "EditRequest": "applier.types",
    "EditResult": "applier.types",
    "PatchRequest": "applier.patches.types",
    "PatchResult": "applier.patches.types",
    "Status": "applier.types",
}
__all__ = [
    "Applier",
    "AsyncClient",
    "Client",
    "EditFormat",
    "EditOptions",
    "EditRequest",
    "EditResult",
    "PatchRequest",
    "PatchResult",
    "Status",
]


def __getattr__(name: str) -> Any:
    """Imports the public names on use: a command that needs one of them does not pay for all."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
