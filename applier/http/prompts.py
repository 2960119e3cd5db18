"""The chat messages by which apply models are called, read for file, edit and instruction.

    <instruction>I</instruction>        Morph, Relace: as it is, newlines between the blocks or none
    <code>C</code>
    <update>U</update>

    ... <code>C</code> ... <update>U</update> ...      Kortix FastApply: prose around, the reply in
                                                        <updated-code>, all three XML-escaped by some clients

    <code>\nC\n</code>\n\n<edit>\nU\n</edit>           Osmosis: one newline inside every tag

Nothing is stripped and nothing unescaped but what the shape itself put in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

_BOUNDARY = re.compile(r"</code>[ \t\r\n]*<(update|edit)>")
_INSTRUCTION = re.compile(r"\s*<instruction(s?)>(.*?)</instruction\1>[ \t\r\n]*(?=<code>)", re.DOTALL)
_OPENING = re.compile(r"^<code>", re.MULTILINE)
_LATER_INSTRUCTION = re.compile(r"^<instruction(s?)>(.*?)</instruction\1>", re.MULTILINE | re.DOTALL)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#39;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_BARE = re.compile(rf"[<>]|&(?!{'|'.join(entity[1:] for entity in _ENTITIES)})")

HOW = (
    "Write <instruction>…</instruction> if you like, then <code>FILE</code>, then <update>EDIT</update>; "
    "or call POST /v1/code/apply."
)


class PromptError(ValueError):
    """The messages hold no file and edit, or it cannot be told where one ends."""


class Reply(Enum):
    """How the new file stands in the reply."""

    PLAIN = "plain"
    UPDATED_CODE = "updated-code"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class ApplyPrompt:
    """File, edit and instruction of the messages, and the dress of the reply."""

    original: str
    edit: str
    instruction: str
    reply: Reply = Reply.PLAIN
    escaped: str = ""  # characters that the client escaped, and so unescapes

    def dress(self, content: str) -> str:
        """The reply that says `content`."""
        if self.escaped:
            names = {char: entity for entity, char in _ENTITIES.items() if entity != "&#39;"}
            content = re.sub(f"[{self.escaped}]", lambda match: names[match[0]], content)
        match self.reply:
            case Reply.UPDATED_CODE:
                return f"<updated-code>{content}</updated-code>"
            case Reply.CODE:
                return f"<code>\n{content}\n</code>"
        return content


def read_prompt(messages: object) -> ApplyPrompt:
    """The edit that the last message asks for that has one. Raises PromptError."""
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise PromptError(f"messages is no list of messages. {HOW}")
    texts = [_text(message) for message in messages]
    for index in range(len(texts) - 1, -1, -1):
        boundaries = list(_BOUNDARY.finditer(texts[index]))
        if len(boundaries) > 1:
            raise PromptError(
                f"'</code><{boundaries[0][1]}>' stands {len(boundaries)} times in the message, so where the "
                "file ends cannot be told. Call POST /v1/code/apply, where nothing needs a tag."
            )
        if boundaries:
            return _read(texts[index], boundaries[0], "\n".join([*texts[:index], *texts[index + 1 :]]))
    raise PromptError(f"No message holds a file and an edit. {HOW}")


def _text(message: Any) -> str:
    """The text of a message, whose content may be a list of parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _read(text: str, boundary: re.Match[str], others: str) -> ApplyPrompt:
    tag = boundary[1]
    instructed = _INSTRUCTION.match(text, 0, boundary.start())
    opening = _OPENING.search(text, instructed.end() if instructed else 0, boundary.start())
    if instructed:
        start = instructed.end() + len("<code>")
    elif opening or text.lstrip().startswith("<code>"):
        start = opening.end() if opening else text.index("<code>") + len("<code>")
    else:
        raise PromptError(f"No <code> stands at the start of a line before the </code>. {HOW}")
    close = text.rfind(f"</{tag}>")
    if close < boundary.end():
        raise PromptError(f"<{tag}> is not closed; the message may be cut off. {HOW}")
    code, edit = text[start : boundary.start()], text[boundary.end() : close]
    around = text[: start - len("<code>")]
    instruction = instructed or _LATER_INSTRUCTION.search(around)
    said = ""
    if instruction:
        said, around = instruction[2], around[: instruction.start()] + around[instruction.end() :]
    if tag == "edit":
        return ApplyPrompt(_inside(code), _inside(edit), said, Reply.CODE)
    if "<updated-code>" in around + text[close:] + others:
        return _kortix(code, edit, said)
    return ApplyPrompt(code, edit, said)


def _inside(block: str) -> str:
    """The block without the newline that the template puts after its opening and before its closing tag."""
    return block.removeprefix("\n").removesuffix("\n")


def _kortix(code: str, edit: str, instruction: str) -> ApplyPrompt:
    """Some clients of this prompt escape what they put in. Where they did, no bare sign is left."""
    both = code + edit
    if _BARE.search(both) or not _ENTITY.search(both):
        return ApplyPrompt(code, edit, instruction, Reply.UPDATED_CODE)
    quotes = "" if '"' in both or "'" in both else "\"'"
    said = instruction if _BARE.search(instruction) else _unescaped(instruction)
    return ApplyPrompt(_unescaped(code), _unescaped(edit), said, Reply.UPDATED_CODE, f"&<>{quotes}")


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)
