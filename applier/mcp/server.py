"""The protocol: which tools there are, their arguments checked, and what the client says of itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListRootsRequest,
    ListRootsResult,
    ListToolsResult,
    NotificationParams,
    PaginatedRequestParams,
)

from applier.mcp import results
from applier.mcp.calls import Calls
from applier.mcp.roots import from_uri
from applier.mcp.tools import INSTRUCTIONS, TOOLS
from applier.server.answers import report_bug

_ROOTS_SECONDS = 5.0
_VALIDATORS = {tool.name: Draft202012Validator(tool.input_schema) for tool in TOOLS}
_STDIO = "stdio"
# Names that other tools have for the same, which models write out of habit.
_ALSO = {
    "file_path": "path",
    "target_file": "path",
    "target_filepath": "path",
    "edit_snippet": "code_edit",
    "instructions": "instruction",
    "dryRun": "dry_run",
    "oldText": "old_string",
    "newText": "new_string",
    "old_str": "old_string",
    "new_str": "new_string",
    "input": "patch",
}


class Protocol:
    """One MCP server over `calls`, for stdio or for many sessions over HTTP."""

    def __init__(self, calls: Calls, version: str) -> None:
        self._calls = calls
        self._roots: dict[str, tuple[Path, ...] | None] = {}
        self.server: Server[Any] = Server(
            "samebytes",
            version=version,
            title="samebytes",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        self.server.add_notification_handler(
            "notifications/roots/list_changed", NotificationParams, self._roots_changed
        )

    async def _list(self, _: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=list(TOOLS))

    async def _call(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        result = await self._answer(context, params)
        if params.name == "replay" and "refusals" in result.structured_content:
            return results.not_replayed(result)
        return result

    async def _answer(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        validator = _VALIDATORS.get(params.name)
        if validator is None:
            raise MCPError(
                INVALID_PARAMS, f"there is no tool {params.name!r}; there are {', '.join(_VALIDATORS)}"
            )
        arguments = _renamed(params.arguments or {})
        problem = next(
            iter(sorted(validator.iter_errors(arguments), key=lambda error: list(error.path))), None
        )
        if problem is not None:
            where = ".".join(map(str, problem.path)) or "arguments"
            # The validator quotes what it does not like, which may be a whole file.
            message = problem.message if len(problem.message) <= 300 else f"is not {problem.schema}"
            return results.refused(
                str(arguments.get("path") or ""), "invalid_arguments", f"{where}: {message}"
            )
        try:
            client = await self._client_roots(context)
            return await self._calls.call(params.name, arguments, _session(context), client)
        except Exception as error:
            return results.refused("", "internal_error", report_bug(error).message)

    async def _client_roots(self, context: ServerRequestContext[Any]) -> tuple[Path, ...] | None:
        """The folders that the client says it works in; None where it does not say."""
        capabilities = context.session.client_capabilities
        if capabilities is None or capabilities.roots is None or not context.session.can_send_request:
            return None
        session = _session(context)
        if session is None or session not in self._roots:
            found = await _ask_for_roots(context)
            if session is None:
                return found
            self._roots[session] = found
        return self._roots[session]

    async def _roots_changed(self, context: ServerRequestContext[Any], _: NotificationParams) -> None:
        self._roots.pop(_session(context) or "", None)


async def _ask_for_roots(context: ServerRequestContext[Any]) -> tuple[Path, ...] | None:
    request_id = context.request_id
    metadata = None if request_id is None else ServerMessageMetadata(related_request_id=request_id)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        try:
            answer = await context.session.send_request(
                ListRootsRequest(), ListRootsResult, _ROOTS_SECONDS, metadata
            )
        except MCPError:
            return None
    return tuple(Path(from_uri(str(root.uri))) for root in answer.roots)


def _session(context: ServerRequestContext[Any]) -> str | None:
    """Who calls: the one client of a process, a session of HTTP, or None: a request without a session."""
    if context.request is None:
        return _STDIO
    session: str | None = context.request.headers.get("mcp-session-id")
    return session


def _renamed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by our names, and without those that are null."""
    renamed: dict[str, Any] = {}
    for name, value in arguments.items():
        ours = _ALSO.get(name, name)
        if value is not None and (ours == name or ours not in arguments):
            renamed[ours] = value
    if isinstance(edits := renamed.get("edits"), list):
        renamed["edits"] = [_renamed(item) if isinstance(item, dict) else item for item in edits]
    return renamed
