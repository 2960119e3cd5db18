"""Compiles the C sources into the wheel, one library for each instruction set; the rest is in pyproject.toml.

Without a C compiler, and in editable installs, nothing is compiled: the first use does it, or numpy and
Python serve. SAMEBYTES_REQUIRE_NATIVE=1 makes a failure an error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))

from kernels.isa import known_isas
from kernels.native import SMALL, SOURCES, CompileError, compile_library, prebuilt_path


class BuildPy(build_py):
    """build_py, then the libraries beside the sources they are made of."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source in SOURCES:
            for isa in known_isas():
                if source in SMALL and isa.name not in ("avx2", "sse2", "portable"):
                    continue
                output = prebuilt_path(Path(self.build_lib) / source, isa.name)
                try:
                    compile_library(Path(__file__).parent / source, isa.flags, output)
                except CompileError as error:
                    if os.environ.get("SAMEBYTES_REQUIRE_NATIVE") == "1":
                        raise
                    self.warn(f"{output.name} is left out: {error}")


class BinaryDistribution(Distribution):
    """Of one platform, whatever its packages are made of."""

    def has_ext_modules(self) -> bool:
        return True


class BdistWheel(bdist_wheel):
    """The libraries are called through ctypes, so every Python of the platform can use them."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(cmdclass={"build_py": BuildPy, "bdist_wheel": BdistWheel}, distclass=BinaryDistribution)
