"""Why files were not read or written. `exit_code` is what the command line ends with."""

from __future__ import annotations

from applier.exits import REFUSED, USAGE


class WorkspaceError(Exception):
    """Base of all errors here."""

    exit_code = 1


class NotEditableError(WorkspaceError):
    """A path outside the workspace, or one that is not for editing."""

    exit_code = USAGE


class TransactionError(WorkspaceError):
    """Files could not be written; everything is as it was before, or the message says which is not."""

    exit_code = REFUSED
