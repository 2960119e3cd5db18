"""Clients of other makers, as they are installed: `python -m tests.clients.scenarios [NAME]...`.

Run by test_real_clients.py in a network namespace that has loopback and nothing else: one of the clients
reports failures, with the file, to its maker. Prints what each said as one line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
INSTALLED = ROOT / ".cache/clients"
MODULES = INSTALLED / "npm/node_modules"

FILE = "import os\n\n\ndef one():\n    return 1  # é ✓\n\n\ndef two():\n    return '<a & \"b\">'\n"
EDIT = "<<<<<<< SEARCH\n    return 1  # é ✓\n=======\n    return 11  # é ✓\n>>>>>>> REPLACE\n"
SNIPPET = "# ... existing code ...\n\ndef one():\n    return 11  # é ✓\n\n\n# ... existing code ...\n"
MERGED = FILE.replace("return 1 ", "return 11 ")
TWICE = "<<<<<<< SEARCH\n    return\n=======\n    yield\n>>>>>>> REPLACE\n"
LARGE = "".join(
    f"VALUE_{number} = 'a line that is long enough to become an anchor'\n" for number in range(4000)
)
LARGE_EDIT = (
    "<<<<<<< SEARCH\nVALUE_2000 = 'a line that is long enough to become an anchor'\n=======\n"
    "VALUE_2000 = None\n>>>>>>> REPLACE\n"
)
LARGE_MERGED = LARGE.replace(
    "VALUE_2000 = 'a line that is long enough to become an anchor'", "VALUE_2000 = None"
)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of `samebytes http`."""
    command = [sys.executable, "-m", "applier.cli", "http", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            port = None
            for line in process.stderr:
                entry = json.loads(line)
                port = entry.get("port", port)
                if entry["event"] == "serving":
                    break
            os.set_blocking(process.stderr.fileno(), False)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def node(script: str, url: str, asked: Any) -> Any:
    """What a script of this folder says to `asked`; it is run where the packages are."""
    place = INSTALLED / "npm" / script
    place.write_bytes((HERE / script).read_bytes())
    done = subprocess.run(
        ["node", str(place), url], input=json.dumps(asked), capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def morphsdk(url: str) -> Any:
    asks = [(FILE, EDIT), (FILE, SNIPPET), (FILE, TWICE), (LARGE, LARGE_EDIT)]
    asked = [{"original": file, "edit": edit, "instruction": "do it"} for file, edit in asks]
    return node("morphsdk.mjs", url, asked)


def openai_js(url: str) -> Any:
    text = "<code>{}</code>\n<update>{}</update>"
    asked = [[{"role": "user", "content": text.format(FILE, edit)}] for edit in (EDIT, TWICE)]
    return node("openai.mjs", url, [{"messages": messages} for messages in asked])


async def _mcp(
    command: list[str], environment: dict[str, str], calls: list[tuple[str, dict[str, Any]]]
) -> Any:
    """What an MCP server says to `calls`, in a folder that has app.py; the file after each."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = {name: value.format(folder=folder) for name, value in environment.items()}
        parameters = StdioServerParameters(
            command=command[0], args=command[1:], env=passed | environment, cwd=folder
        )
        said = []
        async with Client(parameters, mode="legacy") as client:
            for name, arguments in calls:
                app.write_bytes(FILE.encode())
                arguments = json.loads(json.dumps(arguments).replace("FOLDER", folder))
                answer = await client.call_tool(name, arguments)
                text = "\n".join(getattr(part, "text", "") for part in answer.content)
                said.append({"error": answer.is_error, "text": text, "file": app.read_bytes().decode()})
        return said


def morphmcp(url: str) -> Any:
    def edit(text: str) -> tuple[str, dict[str, Any]]:
        return "edit_file", {"path": "FOLDER/app.py", "code_edit": text, "instruction": "do it"}

    command = ["node", str(MODULES / "@morphllm/morphmcp/dist/index.js"), "{folder}"]
    environment = {"MORPH_API_URL": url, "MORPH_API_KEY": "sk-x", "WORKSPACE_ROOT": "{folder}"}
    return asyncio.run(_mcp(command[:2], environment, [edit(EDIT), edit(SNIPPET), edit(TWICE)]))


def relace_mcp(url: str) -> Any:
    def edit(text: str) -> tuple[str, dict[str, Any]]:
        return "fast_apply", {"path": "FOLDER/app.py", "edit_snippet": text, "instruction": "do it"}

    environment = {
        "APPLY_PROVIDER": "openai",
        "APPLY_ENDPOINT": f"{url}/v1",
        "APPLY_MODEL": "samebytes",
        "APPLY_API_KEY": "x",
        "RELACE_API_KEY": "x",
        "MCP_BASE_DIR": "{folder}",
    }
    command = [str(INSTALLED / "relace-mcp/bin/relace-mcp")]
    snippet = f"{SNIPPET}    return '<a & \"b\">'\n"  # it wants a longer line of the file first
    twice = "def one():\n    return 1  # é ✓\n" + TWICE
    return asyncio.run(
        _mcp(
            command,
            environment,
            [edit(snippet.replace("# ... existing code ...\n    r", "def two():\n    r")), edit(twice)],
        )
    )


def fastapply_mcp(url: str) -> Any:
    def edit(section: str, text: str) -> tuple[str, dict[str, Any]]:
        arguments = {"target_filepath": "FOLDER/app.py", "original_code": section, "code_edit": text}
        return "call_tool", {"name": "fast_apply_edit", "arguments": arguments}

    section = FILE.removesuffix("\n")
    command = [str(INSTALLED / "fastapply-mcp/bin/fastapply-mcp")]
    environment = {"FAST_APPLY_URL": f"{url}/v1", "FAST_APPLY_MODEL": "samebytes", "FAST_APPLY_API_KEY": "x"}
    return asyncio.run(
        _mcp(command, environment, [edit(section, EDIT), edit(section, SNIPPET), edit(section, TWICE)])
    )


def inspector(_: str) -> Any:
    """The MCP inspector's command line, against `samebytes mcp` over stdio."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        app.write_bytes(FILE.encode())
        inspect = ["node", str(MODULES / ".bin/mcp-inspector"), "--cli"]
        server = [sys.executable, "-m", "applier.cli", "mcp", "--root", folder]
        edit = ["path=app.py", "old_string=return 1 ", "new_string=return 11 "]
        call = ["--method", "tools/call", "--tool-name", "edit_file"]
        call += [word for argument in edit for word in ("--tool-arg", argument)]
        said = []
        for arguments in (["--method", "tools/list"], call):
            done = subprocess.run(
                [*inspect, *server, *arguments], capture_output=True, text=True, timeout=120, cwd=ROOT
            )
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
            said.append(json.loads(done.stdout))
        return {"tools": said[0]["tools"], "result": said[1], "file": app.read_bytes().decode()}


SCENARIOS = {
    "morphsdk": (morphsdk, MODULES / "@morphllm/morphsdk"),
    "openai-js": (openai_js, MODULES / "openai"),
    "morphmcp": (morphmcp, MODULES / "@morphllm/morphmcp"),
    "inspector": (inspector, MODULES / ".bin/mcp-inspector"),
    "relace-mcp": (relace_mcp, INSTALLED / "relace-mcp/bin/relace-mcp"),
    "fastapply-mcp": (fastapply_mcp, INSTALLED / "fastapply-mcp/bin/fastapply-mcp"),
}


def run(names: list[str]) -> dict[str, Any]:
    """What each client said; {"failed": why} where it could not be run."""
    said: dict[str, Any] = {}
    with server() as address:
        for name in names:
            try:
                said[name] = SCENARIOS[name][0](address)
            except Exception as error:
                said[name] = {"failed": f"{type(error).__name__}: {error}"}
    return said


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:] or [name for name, (_, place) in SCENARIOS.items() if place.exists()])))
