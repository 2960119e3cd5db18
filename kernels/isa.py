"""Instruction sets that C is compiled for, and which of them this CPU has.

What a CPU says it has decides only what may be tried: what serves is chosen by known answers.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

VARIABLE = "SAMEBYTES_ISA"


class IsaError(ValueError):
    """An instruction set that is unknown here, or that this CPU has not."""


@dataclass(frozen=True, slots=True)
class Isa:
    """One set. `needs` are flags as Linux names them in /proc/cpuinfo; `flags` are for GCC and Clang."""

    name: str
    needs: frozenset[str]
    flags: tuple[str, ...]


def _isa(name: str, needs: str, *flags: str) -> Isa:
    return Isa(name, frozenset(needs.split()), flags)


_V2 = "cx16 popcnt ssse3 sse4_1 sse4_2"
_V3 = f"{_V2} abm avx avx2 bmi1 bmi2 f16c fma movbe"
_V4 = f"{_V3} avx512bw avx512cd avx512dq avx512f avx512vl"
_PORTABLE = _isa("portable", "", "-DSAMEBYTES_PORTABLE")
# Of each kind of machine, the quickest first.
ISAS = {
    "x86_64": (
        _isa(
            "amx",
            f"{_V4} avx512_vnni amx_tile amx_int8",
            "-march=x86-64-v4",
            "-mavx512vnni",
            "-mamx-tile",
            "-mamx-int8",
        ),
        _isa("avx512-vnni", f"{_V4} avx512_vnni", "-march=x86-64-v4", "-mavx512vnni"),
        _isa("avx-vnni", f"{_V3} avx_vnni", "-march=x86-64-v3", "-mavxvnni"),
        _isa("avx512", _V4, "-march=x86-64-v4"),
        _isa("avx2", _V3, "-march=x86-64-v3"),
        _isa("avx", f"{_V2} avx", "-march=x86-64-v2", "-mavx"),
        _isa("sse2", "", "-march=x86-64"),
        _PORTABLE,
    ),
    "aarch64": (
        _isa("i8mm", "asimddp i8mm", "-march=armv8.2-a+dotprod+i8mm"),
        _isa("dotprod", "asimddp", "-march=armv8.2-a+dotprod"),
        _PORTABLE,
    ),
}


def machine() -> str:
    """ "x86_64" or "aarch64" however the system spells it, else its own name."""
    name = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


def known_isas() -> tuple[Isa, ...]:
    """All sets of this kind of machine, the quickest first."""
    return ISAS.get(machine(), (_PORTABLE,))


def usable_isas(forced: str | None = None) -> tuple[Isa, ...]:
    """The sets this CPU has, the quickest first; with `forced`, or a name in $SAMEBYTES_ISA, that one alone.

    Raises IsaError where that one is unknown or this CPU has it not.
    """
    forced = forced or os.environ.get(VARIABLE)
    here = tuple(isa for isa in known_isas() if isa.needs <= cpu_features())
    if not forced:
        return here
    chosen = tuple(isa for isa in here if isa.name == forced)
    if not chosen:
        names = ", ".join(isa.name for isa in here)
        raise IsaError(f"{VARIABLE}={forced}: not an instruction set of this CPU, which has {names}")
    return chosen


@lru_cache(maxsize=1)
def cpu_features() -> frozenset[str]:
    """Flags of this CPU as Linux names them; empty where the system does not tell."""
    if platform.system() == "Darwin":
        return _darwin_features()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _darwin_features() -> frozenset[str]:
    """From sysctl. Rosetta and Macs with Intel processors tell theirs in capitals, some under other names."""
    if machine() == "aarch64":
        names = {"hw.optional.arm.FEAT_DotProd": "asimddp", "hw.optional.arm.FEAT_I8MM": "i8mm"}
        return frozenset(flag for key, flag in names.items() if _sysctl(key) == "1")
    keys = ("machdep.cpu.features", "machdep.cpu.leaf7_features", "machdep.cpu.extfeatures")
    found = {flag.lower().replace(".", "_") for key in keys for flag in _sysctl(key).split()}
    renamed = {"avx1_0": "avx", "avx512vnni": "avx512_vnni", "lzcnt": "abm"}
    return frozenset(renamed.get(flag, flag) for flag in found)


def _sysctl(key: str) -> str:
    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", key], capture_output=True, text=True, timeout=10, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
