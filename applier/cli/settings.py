"""Options of a command that serves, made its settings: what is not stated comes from the environment."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from applier.exits import USAGE, CommandError

Settings = TypeVar("Settings", bound=BaseSettings)


def settings(kind: type[Settings], **stated: object) -> Settings:
    """Raises CommandError where a setting has no meaning."""
    try:
        return kind.model_validate({name: value for name, value in stated.items() if value not in (None, ())})
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(": ".join([*map(str, first["loc"]), first["msg"]]), USAGE) from error
