"""What the tools are called, what they take and what they give, as a model reads it."""

from __future__ import annotations

from typing import Any

from mcp_types import Tool, ToolAnnotations

from applier.types import RefusalReason

_TEXT = {"type": "string"}
_DIGEST = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _said(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


_STRINGS = {
    "old_string": _said("Text of the file to replace, exactly as it stands there. Empty: the file is new."),
    "new_string": _said("Text to put in its place."),
    "replace_all": {
        "type": "boolean",
        "default": False,
        "description": "Replace every place, not the only one.",
    },
}
_EDIT = {
    "path": _said("The file, absolute or relative to the working tree."),
    "code_edit": _said(
        "The changed lines with a few unchanged ones around them, and `... existing code ...` in a comment "
        "for code that is left out. Show both neighbours of what you remove."
    ),
    "instruction": _said("What the edit is for, in one sentence; counts where code_edit leaves a choice."),
    **_STRINGS,
    "edits": {
        "type": "array",
        "minItems": 1,
        "description": "Several replacements in this file, one after the other, all or none.",
        "items": _object("old_string new_string", **_STRINGS),
    },
    "patch": _said("A unified diff, a V4A patch or search/replace blocks for this file."),
    "expected_sha256": _said("Refuse unless the file has this SHA-256, as a result told it.", **_DIGEST),
    "accept": _said("result_sha256 of the offer that a refusal of this same edit made: apply it.", **_DIGEST),
}
_DRY_RUN = {"type": "boolean", "default": False, "description": "Show the diff and write nothing."}

_RECEIPT = _object(
    "request_sha256 result_sha256 fingerprint",
    request_sha256=_TEXT,
    result_sha256=_TEXT,
    fingerprint=_TEXT,
)
_COUNT = {"type": "integer", "minimum": 0}
_REFUSAL = _object(
    "path reason message",
    path=_TEXT,
    reason={
        **_TEXT,
        "description": f"One of {', '.join(RefusalReason)}; or not_editable, file_error, changed.",
    },
    message=_TEXT,
    line={**_COUNT, "description": "Of the edit or patch, from 1."},
    candidates={"type": "array", "items": _object("start end", start=_COUNT, end=_COUNT)},
    offer={
        **_object(
            "diff result_sha256 confidence", diff=_TEXT, result_sha256=_TEXT, confidence={"type": "number"}
        ),
        "description": "What was not sure enough to be made. The same edit with accept set to its "
        "result_sha256 makes it.",
    },
)
_RESULT = _object(
    "status written files diff",
    status={"enum": ["applied", "already_applied", "refused"]},
    written={"type": "boolean"},
    diff={**_TEXT, "description": "From the files as they were to the files as they are, or would be."},
    files={
        "type": "array",
        "items": _object(
            "path action",
            path=_TEXT,
            action={"enum": ["update", "create", "delete", "move", "none"]},
            sha256={**_TEXT, "description": "Of the file now; give it as expected_sha256 of the next edit."},
            moved_from=_TEXT,
        ),
    },
    tier={"enum": ["none", "exact", "aligned", "model"]},
    confidence={"type": "number"},
    receipt=_RECEIPT,
    refusals={"type": "array", "items": _REFUSAL},
    note={**_TEXT, "description": "What else the caller should know."},
)
_REPLAYED = _object(
    "equal request_sha256",
    equal={"type": "boolean"},
    request_sha256=_TEXT,
    result_sha256=_TEXT,
    fingerprint=_TEXT,
    note=_TEXT,
)


def _annotations(title: str, writes: bool) -> ToolAnnotations:
    return ToolAnnotations(
        title=title,
        read_only_hint=not writes,
        destructive_hint=writes,
        idempotent_hint=not writes,
        open_world_hint=False,
    )


TOOLS = (
    Tool(
        name="edit_file",
        title="Edit a file",
        description=(
            "Edit one file. Give exactly one of: code_edit (a snippet that shows only what changes), "
            "old_string with new_string, edits (several of these), or patch. What is exact is applied "
            "exactly; what is not quite is placed by a deterministic merge; what is unclear is refused with "
            "the reason and the places that were perhaps meant, and the file stays as it was."
        ),
        input_schema=_object("path", **_EDIT, dry_run=_DRY_RUN),
        output_schema=_RESULT,
        annotations=_annotations("Edit a file", writes=True),
    ),
    Tool(
        name="preview_edit",
        title="Preview an edit",
        description="As edit_file, and nothing is written: the diff that would be made, or the refusal.",
        input_schema=_object("path", **_EDIT),
        output_schema=_RESULT,
        annotations=_annotations("Preview an edit", writes=False),
    ),
    Tool(
        name="apply_patch",
        title="Apply a patch of several files",
        description=(
            "Apply a patch of several files: a V4A patch (*** Begin Patch … *** End Patch, with Update, Add, "
            "Delete File and Move to), a unified or git diff, or search/replace blocks below the names of "
            "their files. All of it is applied or nothing is. Paths are relative to the working tree."
        ),
        input_schema=_object(
            "patch",
            patch=_said("The whole patch."),
            instruction=_said("What the patch is for, in one sentence."),
            root=_said("The working tree, where there are several."),
            dry_run=_DRY_RUN,
        ),
        output_schema=_RESULT,
        annotations=_annotations("Apply a patch of several files", writes=True),
    ),
    Tool(
        name="replay",
        title="Replay an edit",
        description=(
            "Compute an edit of this session again, from its recorded file and edit, and compare the bytes "
            "with those that were given. Without request_sha256: the last one."
        ),
        input_schema=_object("", request_sha256=_said("Of the edit's receipt.", **_DIGEST)),
        output_schema=_REPLAYED,
        annotations=_annotations("Replay an edit", writes=False),
    ),
)
INSTRUCTIONS = (
    "Edit files with edit_file, and several files at once with apply_patch. A result has the diff and the "
    "SHA-256 of the file; give that as expected_sha256 of your next edit of it to be told when somebody else "
    "changed it meanwhile. A refused edit changed nothing: its message says what to send instead."
)
