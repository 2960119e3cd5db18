"""The same edits by tool call: the schema offered to the model, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from applier.patches.paths import Paths
from applier.patches.scan import Extraction, extract
from applier.patches.types import Action, Problem, ProposedEdit
from applier.types import EditFormat
from reasoner.types import Tool, ToolCall

EDIT_TOOL = "edit_file"


def edit_tool(format: EditFormat, format_rules: str) -> Tool:
    """The tool a model calls once a file. `format_rules` says how to write the `edit` argument."""
    return Tool(
        EDIT_TOOL,
        "Edit one of the given files, or create a new one. Call once for each file.",
        {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "The file's path exactly as given."},
                "edit": {"type": "string", "description": f"The edit in the format {format}. {format_rules}"},
            },
            "required": ["path", "edit"],
            "additionalProperties": False,
        },
    )


def edits_from_tool_calls(
    calls: Sequence[ToolCall], known_paths: Sequence[str], expected: EditFormat
) -> Extraction:
    """Edits from calls of the edit tool; a call that cannot be used is a problem."""
    found = Extraction()
    paths = Paths(known_paths)
    for number, call in enumerate(calls, 1):
        path, text = call.arguments.get("path"), call.arguments.get("edit")
        if call.name != EDIT_TOOL:
            found.problems.append(Problem(f"call {number}: there is no tool {call.name!r}; use {EDIT_TOOL}"))
        elif not isinstance(path, str) or not isinstance(text, str) or not path.strip():
            found.problems.append(Problem(f"call {number}: 'path' and 'edit' must be strings"))
        else:
            one = _read(paths.resolve_or_new(path), text, known_paths, expected)
            found.edits.extend(one.edits)
            found.problems.extend(one.problems)
    return found


def _read(path: str, text: str, known_paths: Sequence[str], expected: EditFormat) -> Extraction:
    known = path in known_paths
    if known and expected in (EditFormat.LAZY, EditFormat.WHOLE_FILE):
        return Extraction([ProposedEdit(path, text, expected)])
    inner = extract(f"File: {path}\n{text}", known_paths, expected)
    mine = [edit for edit in inner.edits if edit.path == path]
    if mine:
        return Extraction(mine)
    if not known:
        return Extraction([ProposedEdit(path, text, EditFormat.WHOLE_FILE, Action.CREATE)])
    return Extraction([], [Problem(f"the edit of {path} is not in the format {expected}", path=path)])
