"""The folders whose files may be edited: those of the command line, and of these what the client works in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from applier.workspace.errors import NotEditableError


@dataclass(frozen=True, slots=True)
class Place:
    """A file: the folder that it may not leave, and its path from there."""

    root: Path
    relative: str


class Roots:
    """`stated` by the command line bind. Without them the client's are taken where `trusting`, which fits a
    client that started this process and has its rights anyway; and the current folder where there are none.
    """

    def __init__(self, stated: Sequence[Path], trusting: bool) -> None:
        """Raises NotEditableError where a folder is none."""
        for folder in stated:
            if not folder.is_dir():
                raise NotEditableError(f"{folder} is not a folder")
        self._stated = tuple(folder.resolve() for folder in stated)
        self._trusting = trusting and not stated

    def allowed(self, client: Sequence[Path] | None) -> tuple[Path, ...]:
        """The folders, outermost last of equal ones. `client` are those that the client named, None where it
        names none. Raises NotEditableError where nothing is left.
        """
        limits = self._stated or (Path.cwd().resolve(),)
        if client is None:
            return limits
        named = [folder.resolve() for folder in client if folder.is_dir()]
        if self._trusting:
            found = named
        else:
            found = [folder for folder in named if any(folder.is_relative_to(limit) for limit in limits)]
            found += [limit for limit in limits if any(limit.is_relative_to(folder) for folder in named)]
        if not found:
            raise NotEditableError(
                f"the client works in {_list(named)}, and this server edits in {_list(limits)}; start it "
                "with --root for the folders of the client"
            )
        return tuple(dict.fromkeys(found))

    def place(self, path: str, client: Sequence[Path] | None) -> Place:
        """Where a path leads, once every symbolic link is followed. Raises NotEditableError."""
        allowed = self.allowed(client)
        if not path.strip() or "\0" in path:
            raise NotEditableError("path is empty or contains a NUL character")
        spelled = Path(from_uri(path))
        try:
            if spelled.is_absolute():
                real = spelled.resolve()
            else:
                tried = [root / spelled for root in allowed]
                real = next((full for full in tried if full.exists()), tried[0]).resolve()
        except (OSError, RuntimeError) as error:
            raise NotEditableError(f"{path} is not a path: {error}") from None
        inside = [root for root in allowed if real.is_relative_to(root) and real != root]
        if not inside:
            raise NotEditableError(
                f"{path} is not a file under {_list(allowed)}, which is all that may be edited"
            )
        root = max(inside, key=lambda folder: len(folder.parts))
        return Place(root, real.relative_to(root).as_posix())


def from_uri(path: str) -> str:
    """The path of a file:// address; any other text as it is."""
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def _list(folders: Sequence[Path]) -> str:
    return ", ".join(map(str, folders)) or "no folder"
