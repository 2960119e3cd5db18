"""C libraries: those that came with the package, else compiled at first use and kept in the cache folder.

The cached file is named by everything that decides its bits: the source, the compiler, the flags and the CPU.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from kernels.isa import known_isas, machine, usable_isas

logger = logging.getLogger(__name__)
Library = TypeVar("Library")
ENGINE = Path(__file__).with_name("cpu") / "samebytes.c"
# What a wheel holds compiled; the small ones for few instruction sets.
SMALL = ("applier/align/table.c", "applier/locate/chain_scores.c", "applier/text/file_lines.c")
SOURCES = ("kernels/cpu/samebytes.c", *SMALL)
# No flag here may change a value: no contraction, no reassociation, no approximate division. The two -fno
# flags only drop errno and the inexact exception, which nothing reads.
FLAGS = (
    "-std=c11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-pthread",
)
_TIMEOUT_S = 300


class CompileError(RuntimeError):
    """There is no C compiler, it refused the source, or the cache folder cannot be used."""


class NoCompilerError(CompileError):
    """There is no C compiler, so that other instruction sets need not be tried either."""


def cache_folder() -> Path:
    """`$SAMEBYTES_HOME`, else `$XDG_CACHE_HOME/samebytes`, else `~/.cache/samebytes`; may not exist."""
    if home := os.environ.get("SAMEBYTES_HOME"):
        return Path(home).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "samebytes"


def prebuilt_path(source: Path, isa: str) -> Path:
    """Where a wheel has the library of a source, beside it."""
    return source.with_name(f"{source.stem}.{isa}.so")


@lru_cache(maxsize=32)
def load_library(target: str = "native", source: Path = ENGINE) -> ctypes.CDLL:
    """The library of `source`, the engine's by default. Raises CompileError.

    `target` is the name of an instruction set (kernels/isa.py) or "native", what this CPU has.
    """
    names = [isa.name for isa in known_isas() if isa.name == target] or [i.name for i in usable_isas()]
    for name in names:
        if (prebuilt := prebuilt_path(source, name)).is_file():
            try:
                return ctypes.CDLL(str(prebuilt))
            except OSError as error:
                logger.warning("%s cannot be loaded, so it is compiled here: %s", prebuilt.name, error)
    compiler = _compiler()
    flags = (*FLAGS, *_target_flags(target))
    path = cache_folder() / f"engine-{_key(compiler, flags, source)}.so"
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            logger.info("compiling %s for %s, once: some seconds of one core", source.name, target)
            _compile(compiler, flags, source, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CompileError(f"{path} cannot be made or loaded (see SAMEBYTES_HOME): {error}") from error


def _target_flags(target: str) -> tuple[str, ...]:
    for isa in known_isas():
        if isa.name == target:
            return isa.flags
    return (f"-march={target}" if machine() == "x86_64" else f"-mcpu={target}",)


def trusted(load: Callable[[], Library], agrees: Callable[[Library], bool], what: str) -> Library | None:
    """What `load` gives, once it has given known answers; None, with a line in the log about `what`, where it
    raises CompileError or does not agree: the definition in Python is then to take its place.
    """
    try:
        library = load()
    except CompileError as error:
        logger.warning("no C for the %s (slower, the same results): %s", what, error)
        return None
    if not agrees(library):
        logger.error("the compiled %s fails known answers; Python takes its place (slower)", what)
        return None
    return library


def compile_library(source: Path, flags: tuple[str, ...], output: Path) -> None:
    """Compiles a source for a wheel, with `flags` beside those of every library. Raises CompileError."""
    _compile(_compiler(), (*FLAGS, *flags), source, output)


def _compiler() -> str:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise NoCompilerError("no C compiler (cc, gcc or clang) was found")
    return compiler


def _compile(compiler: str, flags: tuple[str, ...], source: Path, path: Path) -> None:
    """The file appears under its name only when it is whole."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        output = Path(folder) / "engine.so"
        command = [*compiler.split(), *flags, "-o", str(output), str(source), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompilerError(f"{compiler} cannot be run: {error}") from error
        if done.returncode:
            raise CompileError(f"{compiler} failed: {done.stderr.strip()[-2000:]}")
        output.replace(path)


def _key(compiler: str, flags: tuple[str, ...], source: Path) -> str:
    digest = hashlib.sha256(source.name.encode() + b"\0")
    for part in sorted(source.parent.glob("*.[ch]")):
        digest.update(part.name.encode() + b"\0" + part.read_bytes())
    try:
        version = subprocess.run(
            [*compiler.split(), "--version"], capture_output=True, timeout=_TIMEOUT_S, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoCompilerError(f"{compiler} cannot be run: {error}") from error
    digest.update(version + " ".join(flags).encode() + _cpu_features().encode())
    return digest.hexdigest()[:24]


def _cpu_features() -> str:
    """What `native` means here."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
