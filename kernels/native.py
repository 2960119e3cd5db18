"""C libraries: those that came with the package, else compiled at first use and kept in the cache folder.

The cached file is named by all that decides its bits: the source, the compiler, the flags and the CPU.
It is code, so it is loaded only where nobody else can have put it there: its folder and it are this user's,
no one else may write to them, and its SHA-256 is the one that was recorded when it was built.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import stat
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
    if folder := os.environ.get("SAMEBYTES_HOME"):
        return Path(folder).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "samebytes"


def private_folder(path: Path) -> Path:
    """The folder, made with those above it that are missing, for this user alone. Raises OSError."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


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
        _check_folder(private_folder(path.parent))
        if not _is_as_built(path):
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
    """What `load` returns if it gives the known answers; None if it raises CompileError or disagrees, after a
    line in the log about `what`. The definition in Python then takes its place.
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
    """The file appears under its name only once it is complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        output = Path(folder) / "engine.so"
        command = [*compiler.split(), *flags, "-o", str(output), str(source), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompilerError(f"{compiler} cannot be run: {error}") from error
        if done.returncode:
            raise CompileError(f"{compiler} failed: {done.stderr.strip()[-2000:]}")
        record = Path(folder) / "record"
        record.write_text(_sha256(output), "ascii")
        for made in (output, record):
            made.chmod(0o600)
        record.replace(_record(path))
        output.replace(path)


def _check_folder(folder: Path) -> None:
    """Raises CompileError for a folder in which others can put a library, and OSError."""
    for place in (folder, *folder.parents):
        status = place.stat()
        writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if place == folder:
            if status.st_uid != os.geteuid() or writable:
                raise CompileError(
                    f"{folder} is another user's, or others may write to it, so no code is loaded from it: "
                    "give it to this user and take the right away (chmod go-w), or set SAMEBYTES_HOME"
                )
        elif writable & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            raise CompileError(f"everybody may write to {place}, so no code is loaded from below it")


def _is_as_built(path: Path) -> bool:
    """Whether a library is here as this user's samebytes built it; one that is not is built anew."""
    record = _record(path)
    try:
        for file in (path, record):
            status = file.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise OSError(f"{file} is another user's, or no regular file")
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise OSError(f"others may write to {file}")
        if record.read_text("ascii", "replace") != _sha256(path):
            raise OSError(f"{path} is not what was built")
    except FileNotFoundError:
        return False
    except OSError as error:
        logger.warning("%s; it is not loaded, and built anew", error)
        return False
    return True


def _record(path: Path) -> Path:
    """Where the SHA-256 of a library stands that was built."""
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
