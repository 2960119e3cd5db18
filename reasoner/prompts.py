"""The words that make a model write edits that can be applied, in each format."""

from __future__ import annotations

import re
from collections.abc import Sequence

from applier.patches.fences import longest_run
from applier.patches.types import SourceFile
from applier.types import EditFormat, Offer
from reasoner.errors import UsageError
from reasoner.extract.tools import edit_tool
from reasoner.types import ChatRequest, Message, ProposeOptions, Role, Task, Tool

_ROLE = """\
You are a careful software engineer. You are given files and a task. Answer with the edits that do the
task, and nothing that the task does not ask for. Keep each file's style, names and indentation. A
program applies your edits; a person reads the resulting diff.
"""

_RULES = {
    EditFormat.LAZY: """\
For each file you change, write its path and a fenced block with only the changed parts:

File: path/as/given.py
{fence}python
# ... existing code ...
def changed(x):
    return x + 1
# ... existing code ...
{fence}

- Where lines stay as they are, write one comment `... existing code ...` in the file's comment syntax \
instead of them. Never leave out lines without such a comment.
- Keep one or two unchanged lines on each side of a change, copied exactly, so that its place is certain.
- To delete lines, show the lines before and after them with nothing in between.
- For a new file write its whole content.
""",
    EditFormat.SEARCH_REPLACE: """\
For each change write the file's path on its own line and below it one block, without code fences:

path/as/given.py
<<<<<<< SEARCH
exact lines of the file
=======
the lines that replace them
>>>>>>> REPLACE

- SEARCH must copy whole lines of the file exactly, indentation and comments too, and must occur once \
in the file; take more lines until it does.
- Use several small blocks rather than one large one. For a new file leave SEARCH empty.
""",
    EditFormat.V4A: """\
Write one patch, without code fences:

*** Begin Patch
*** Update File: path/as/given.py
@@ def enclosing_function(
 unchanged line
-removed line
+added line
 unchanged line
*** Add File: path/of/new.py
+line
*** End Patch

- Each line of a hunk starts with a space, '-' or '+'. Give three unchanged lines before and after a change.
- `@@` names the enclosing class or function where the context alone is not unique.
""",
    EditFormat.UNIFIED_DIFF: """\
Write a unified diff, without code fences, with `--- a/PATH` and `+++ b/PATH` before each file's hunks and
three lines of context. Line numbers may be approximate; the context must be exact.
""",
    EditFormat.WHOLE_FILE: """\
For each file you change, write its path and a fenced block with its whole new content:

File: path/as/given.py
{fence}python
...all lines...
{fence}
""",
}

_TOOL_RULES = {
    EditFormat.LAZY: "Only the changed parts; a comment '... existing code ...' stands for lines that stay. "
    "Keep one or two unchanged lines on each side of a change. No code fence.",
    EditFormat.SEARCH_REPLACE: "Blocks of '<<<<<<< SEARCH', exact lines, '=======', new lines, "
    "'>>>>>>> REPLACE'.",
    EditFormat.V4A: "A V4A patch from '*** Begin Patch' to '*** End Patch'.",
    EditFormat.UNIFIED_DIFF: "A unified diff with '---' and '+++' lines and three lines of context.",
    EditFormat.WHOLE_FILE: "The file's whole new content.",
}


_YES = re.compile(r"[\W_]*yes\b", re.IGNORECASE)


def formats() -> tuple[EditFormat, ...]:
    """The formats a model can be asked for."""
    return tuple(_RULES)


def build_request(task: Task, files: Sequence[SourceFile], options: ProposeOptions) -> ChatRequest:
    """The conversation that asks for edits of `files`.

    The same task, files and options give the same request, byte for byte. Raises UsageError for a format that
    no model can be asked for.
    """
    if options.format not in _RULES:
        raise UsageError(f"cannot ask a model for the format {options.format}; use one of {[*_RULES]}")
    shown = [(file.path, text_for_model(file.content)) for file in files]
    # A fence longer than any in the files cannot be closed by their content.
    fence = "`" * max([3, *(longest_run(text) + 1 for _, text in shown)])
    if options.use_tools:
        tools: tuple[Tool, ...] = (edit_tool(options.format, _TOOL_RULES[options.format]),)
        rules = "Call the tool edit_file once for each file you change. Do not write edits as text.\n"
    else:
        tools, rules = (), _RULES[options.format].format(fence=fence)
    parts = [
        f"File: {path}\n{fence}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"
        for path, text in shown
    ]
    question = "\n\n".join([*parts, f"Task: {task.instruction}"])
    messages = [Message(Role.SYSTEM, f"{_ROLE}\n{rules}"), Message(Role.USER, question)]
    for turn in task.turns:
        messages += [Message(Role.ASSISTANT, turn.reply), Message(Role.USER, turn.feedback)]
    return ChatRequest(tuple(messages), options.sampling, tools)


def build_question(request: ChatRequest, reply: str, path: str, offer: Offer) -> ChatRequest:
    """The conversation that goes on after `reply` to `request` and asks for a yes or no to `offer`."""
    diff = text_for_model(offer.diff)
    fence = "`" * max(3, longest_run(diff) + 1)
    question = (
        f"It is not certain where your edit of {path} belongs. This is the change that it would make:\n\n"
        f"{fence}diff\n{diff.rstrip(chr(10))}\n{fence}\n\n"
        "Is this exactly what you mean? Answer with one word, yes or no."
    )
    said = (Message(Role.ASSISTANT, reply), Message(Role.USER, question))
    return ChatRequest((*request.messages, *said), request.sampling)


def says_yes(reply: str) -> bool:
    """Whether the first word of a reply is yes. Anything else is none."""
    return _YES.match(reply) is not None


def text_for_model(content: bytes) -> str:
    """A file as a model sees it: decoded, without a byte order mark, lines ended by a newline.

    What cannot be decoded as UTF-8 is shown as Latin-1: the model only reads this text, and the edit
    is applied to the bytes themselves.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
