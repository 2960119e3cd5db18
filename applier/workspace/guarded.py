"""Places whose files are run by tools, so that an edit of them could run code.

A version control's own folder is never written to. The other places are written to where the user allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

NEVER = (".git", ".hg", ".svn", ".bzr", ".jj", "_darcs")

# What tools run, or what tells them what to run, without anybody asking for this file: hooks, tasks of
# editors and agents, environments, build servers, start-up files of shells and interpreters.
GUARDED = (
    ".githooks/**", ".husky/**", ".gitmodules", ".gitattributes", ".pre-commit-config.yaml", "lefthook.y*ml",
    ".vscode/**", ".idea/**", ".fleet/**", ".devcontainer/**", ".devcontainer.json", ".nvim.lua", ".exrc",
    ".claude/**", ".cursor/**", ".codex/**", ".gemini/**", ".mcp.json",
    ".github/workflows/**", ".github/actions/**", ".circleci/**", ".buildkite/**", ".gitlab-ci.yml",
    ".envrc", ".direnv/**", ".venv/**", "venv/**", "node_modules/**", "__pycache__/**", "*.pth",
    "sitecustomize.py", "usercustomize.py", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs",
    ".cargo/config", ".cargo/config.toml", ".gdbinit", ".lldbinit", ".ssh/**", ".gnupg/**", ".config/**",
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv", ".zprofile",
    ".zlogin", ".inputrc", ".netrc",
)  # fmt: skip


def why_guarded(parts: Sequence[str], allowed: Sequence[str] = ()) -> str | None:
    """Why the file at `parts` below the root is not for editing; None where it is.

    `allowed` are patterns of the user's, in the form of `GUARDED`: a file's path from the root or any folder
    on, with `*` within a name and a final `/**` for everything under a folder.
    """
    # File systems that ignore case take `.GIT` for `.git`, and Windows drops dots and blanks at the end.
    names = [part.casefold().rstrip(". ") or part for part in parts]
    if version_control := next((name for name in names if name in NEVER), None):
        return f"what is under {version_control} belongs to the version control"
    if any(_matches(names, pattern.casefold()) for pattern in allowed):
        return None
    pattern = next((pattern for pattern in GUARDED if _matches(names, pattern.casefold())), None)
    return pattern and f"tools run what is in {pattern}; allow it with --allow {pattern!r}"


def _matches(names: Sequence[str], pattern: str) -> bool:
    """Whether the pattern fits the path from any of its folders on."""
    folder = pattern.removesuffix("/**")
    wanted = folder.split("/")
    below = folder != pattern
    return any(
        all(fnmatchcase(name, want) for name, want in zip(names[start:], wanted, strict=False))
        and (len(names) - start > len(wanted) if below else len(names) - start == len(wanted))
        for start in range(len(names) - len(wanted) + 1)
    )
