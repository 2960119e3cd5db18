"""Generate the Python stubs from `proto/`: `python -m applier.api.generate [--check]`.

`--check` writes nothing and exits 1 where the stubs in the repository are not what the .proto files give. The
bytes depend on the version of grpcio-tools, which `constraints.txt` pins.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUB_SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")


class StubGenerationError(RuntimeError):
    """protoc refused the .proto files; its own message is on stderr."""


def generate(destination: Path) -> list[Path]:
    """Write the stubs of every .proto file under `destination`, which stands for the repository's root.

    Returns the stubs' paths relative to `destination`, sorted. Raises StubGenerationError.
    """
    from grpc_tools import protoc

    source = ROOT / "proto"
    protos = sorted(source.rglob("*.proto"))
    arguments = [
        f"--proto_path={source}",
        f"--proto_path={resources.files('grpc_tools') / '_proto'}",
        f"--python_out={destination}",
        f"--pyi_out={destination}",
        f"--grpc_python_out={destination}",
    ]
    if protoc.main(["protoc", *arguments, *map(str, protos)]) != 0:
        raise StubGenerationError(f"protoc failed on {source}")
    stems = [proto.relative_to(source).with_suffix("") for proto in protos]
    return sorted(Path(f"{stem}{suffix}") for stem in stems for suffix in STUB_SUFFIXES)


def outdated() -> list[Path]:
    """Stubs of the repository that differ from what the .proto files give, or that no .proto file gives."""
    with tempfile.TemporaryDirectory() as scratch:
        expected = {path: (Path(scratch) / path).read_bytes() for path in generate(Path(scratch))}
    present = {
        path.relative_to(ROOT): path.read_bytes()
        for suffix in STUB_SUFFIXES
        for path in (ROOT / "applier" / "api").rglob(f"*{suffix}")
    }
    paths = expected.keys() | present.keys()
    return sorted(path for path in paths if expected.get(path) != present.get(path))


def main() -> int:
    """Generate, or compare; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 where a stub is stale")
    if not parser.parse_args().check:
        for path in generate(ROOT):
            print(path)
        return 0
    stale = outdated()
    for path in stale:
        print(f"{path} is out of date: run python -m applier.api.generate", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
