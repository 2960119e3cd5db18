"""The arguments of `edit_file`, made an edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from applier.api.json_fields import OPTION_NAMES, FieldError, edit_request, text_bytes
from applier.mcp.strings import StringEdit, edit_of_strings
from applier.types import EditFormat, EditRequest, Refusal

FORMS = ("code_edit", "old_string", "edits", "patch")
_PASSED = frozenset({"instruction", "expected_sha256"}) | OPTION_NAMES


def form_of(arguments: Mapping[str, Any]) -> str:
    """Which of the forms an edit has. Raises FieldError where it has none, or several."""
    stated = [name for name in FORMS if arguments.get(name) is not None]
    if len(stated) != 1:
        has = f"has {' and '.join(stated)}" if stated else "has none of them"
        raise FieldError("arguments", f"give exactly one of {', '.join(FORMS)}; this call {has}")
    if stated == ["old_string"] and arguments.get("new_string") is None:
        raise FieldError("new_string", "is missing")
    return stated[0]


def as_request(arguments: Mapping[str, Any], path: str, original: bytes | None) -> EditRequest | Refusal:
    """The edit of a file; `original` is None where there is none yet. Raises FieldError."""
    form = form_of(arguments)
    passed = {name: arguments.get(name) for name in _PASSED}
    if form in ("code_edit", "patch"):
        edit = text_bytes(arguments[form], form)
        format = EditFormat.WHOLE_FILE if original is None and form == "code_edit" else EditFormat.AUTO
    else:
        strings = _strings(arguments, form)
        if not original and len(strings) == 1 and not strings[0].old:
            edit, format = text_bytes(strings[0].new, "new_string"), EditFormat.WHOLE_FILE
        elif original is None:
            raise FieldError("path", "there is no such file; an empty old_string, or code_edit, makes it")
        else:
            found = edit_of_strings(original, strings)
            if isinstance(found, Refusal):
                return found
            edit, format = found
    return edit_request(original or b"", edit, {**passed, "path": path, "format": format})


def _strings(arguments: Mapping[str, Any], form: str) -> list[StringEdit]:
    items = arguments["edits"] if form == "edits" else [arguments]
    for item in items:
        for name in ("old_string", "new_string"):
            text_bytes(item[name], name)
    return [
        StringEdit(item["old_string"], item["new_string"], bool(item.get("replace_all"))) for item in items
    ]
