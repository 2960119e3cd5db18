"""What a face with JSON takes besides file and edit, checked and made an `EditRequest`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from applier.types import EditFormat, EditOptions, EditRequest

_OPTIONS: TypeAdapter[EditOptions] = TypeAdapter(EditOptions)
OPTION_NAMES = frozenset(field.name for field in dataclasses.fields(EditOptions))
_HEX = frozenset("0123456789abcdefABCDEF")
_TEXTS = frozenset({"path", "language", "instruction", "expected_sha256"})


class FieldError(ValueError):
    """A field has no meaning; `field` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


def text_bytes(text: object, field: str) -> bytes:
    """The UTF-8 of a JSON string. Raises FieldError for another value, and for half a surrogate pair."""
    if not isinstance(text, str):
        raise FieldError(field, "is not a string")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FieldError(field, f"holds half a surrogate pair at character {error.start}") from None


def edit_request(original: bytes, edit: bytes, stated: Mapping[str, Any]) -> EditRequest:
    """The request. `stated` holds path, language, instruction, format, expected_sha256 and any of the fields
    of EditOptions, each of which may be missing or None. Raises FieldError for what has no meaning.
    """
    texts: dict[str, Any] = {}
    options: dict[str, Any] = {}
    format = EditFormat.AUTO
    for name, value in stated.items():
        if value is None:
            continue
        if name in OPTION_NAMES:
            options[name] = value
        elif name in _TEXTS:
            text_bytes(value, name)
            texts[name] = value
        elif name == "format":
            format = _format(value)
        else:
            raise FieldError(name, f"is none of {', '.join(sorted({*_TEXTS, 'format', *OPTION_NAMES}))}")
    if "\0" in texts.get("path", ""):
        raise FieldError("path", "contains a NUL character")
    sha256 = texts.get("expected_sha256")
    if sha256 is not None:
        if len(sha256) != 64 or not set(sha256) <= _HEX:
            raise FieldError("expected_sha256", "is not 64 hexadecimal digits")
        texts["expected_sha256"] = sha256.lower()
    return EditRequest(original, edit, format=format, options=_options(options), **texts)


def _format(value: object) -> EditFormat:
    try:
        return EditFormat(str(value))
    except ValueError:
        raise FieldError("format", f"is none of {', '.join(EditFormat)}") from None


def _options(stated: dict[str, Any]) -> EditOptions:
    try:
        options = _OPTIONS.validate_python(stated)
    except ValidationError as error:
        first = error.errors()[0]
        raise FieldError(str(first["loc"][0]), first["msg"]) from None
    if options.min_confidence is not None and not 0 <= options.min_confidence <= 1:
        raise FieldError("min_confidence", "is not between 0 and 1")
    if options.accept is not None:
        if len(options.accept) != 64 or not set(options.accept) <= _HEX:
            raise FieldError("accept", "is not 64 hexadecimal digits")
        options = dataclasses.replace(options, accept=options.accept.lower())
    return options
