"""Text to token ids and back: the one prompt that training and serving share.

    <filename>{basename}\\n<file_sep>{window}<issue_start>{edit}[<issue_comment>{instruction}]<|im_start|>{merged}<|im_end|>

Every line is encoded by itself, with its "\\n" and with special tokens not parsed. So no token crosses a
line, drafts and constraints are aligned with lines, the ids of a line never depend on its neighbours (which
makes them cacheable), and a special id never comes from a user's text, whatever that text contains.

The last line of a file is given with "\\n" too: whether the file ends with one is not the model's decision.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

from applier.text.window import GAP, Item

MAX_BASENAME = 128
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")


class PromptError(ValueError):
    """A tokenizer that cannot carry the prompt, with the reason."""


class MergedTextError(ValueError):
    """Ids written by a model that are not lines and gaps: invalid UTF-8, a stray special token, a gap
    inside a line.
    """


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """The special tokens that separate the parts, by name, so that another vocabulary can name others."""

    filename: str = "<filename>"
    window: str = "<file_sep>"
    edit: str = "<issue_start>"
    instruction: str = "<issue_comment>"
    answer: str = "<|im_start|>"
    end: str = "<|im_end|>"
    gap: str = "<empty_output>"

    @staticmethod
    def from_dict(names: dict[str, str]) -> PromptTemplate:
        """Raises PromptError on a name that is not a part of the prompt."""
        unknown = set(names) - set(PromptTemplate.__dataclass_fields__)
        if unknown:
            raise PromptError(f"unknown parts of a prompt template: {sorted(unknown)}")
        return PromptTemplate(**names)


class PromptCodec:
    """Encodes prompts and decodes merged windows with one byte-level BPE tokenizer. Thread safe.

    `spec` is the text of a `tokenizer.json`. Its added tokens, normaliser and post-processor are left out:
    user text is encoded by the BPE model alone, byte for byte. Raises PromptError when the tokenizer is not
    byte-level or lacks a token of the template.
    """

    def __init__(self, spec: str, template: PromptTemplate | None = None) -> None:
        from tokenizers import Tokenizer  # an exact edit starts without it

        self.spec, self.template = spec, template or PromptTemplate()
        data = json.loads(spec)
        ids = _token_ids(data)
        self.filename_id, self.window_id, self.edit_id = (
            _special(ids, self.template.filename),
            _special(ids, self.template.window),
            _special(ids, self.template.edit),
        )
        self.instruction_id, self.answer_id = (
            _special(ids, self.template.instruction),
            _special(ids, self.template.answer),
        )
        self.end_id, self.gap_id = _special(ids, self.template.end), _special(ids, self.template.gap)
        self._tokenizer = Tokenizer.from_str(json.dumps(_plain(data)))
        self._bytes = _byte_table(ids, {token["id"] for token in data.get("added_tokens", [])})
        #: ids whose text ends a line
        self.line_ends = frozenset(
            i for i, piece in enumerate(self._bytes) if piece and piece.endswith(b"\n")
        )
        #: and those that stand alone: ends of what is drafted and guided in one piece
        self.unit_ends = self.line_ends | {self.gap_id}
        self.vocab_size = max(ids.values()) + 1
        self._line_ids = LineIds(self._tokenizer, self.vocab_size)
        self.encode_line = self._line_ids.__getitem__
        self.learn = self._line_ids.learn
        self._spec = spec

    @property
    def sha256(self) -> str:
        """Names the tokenizer and the template."""
        data = json.loads(self._spec)
        names = [asdict(self.template), sorted(_token_ids(data).items())]
        digest = hashlib.sha256(json.dumps(_plain(data), sort_keys=True, ensure_ascii=True).encode())
        digest.update(json.dumps(names, sort_keys=True).encode())
        return digest.hexdigest()

    @staticmethod
    def from_file(path: str | Path, template: PromptTemplate | None = None) -> PromptCodec:
        """Reads a `tokenizer.json`."""
        return PromptCodec(Path(path).read_text(encoding="utf-8"), template)

    def learn_later(self, items: Iterable[Item]) -> Future[None]:
        """Encode lines on another thread, without the interpreter's lock, that will be needed soon."""
        missing = [item for item in items if item is not GAP and item not in self._line_ids]
        if missing:
            return _pool.submit(self.learn, missing)
        known: Future[None] = Future()
        known.set_result(None)
        return known

    def encode_items(self, items: Iterable[Item]) -> list[int]:
        """Ids of lines and gaps, one after the other."""
        items = list(items)
        self.learn(item for item in items if item is not GAP)
        out: list[int] = []
        for item in items:
            if item is GAP:
                out.append(self.gap_id)
            else:
                out.extend(self.encode_line(item))
        return out

    def build_prompt(
        self,
        window: Iterable[Item],
        edit_lines: Iterable[str],
        instruction: str = "",
        basename: str = "",
    ) -> list[int]:
        """Ids up to and with the answer token: what the model is given before it writes the merged window."""
        name = posixpath.basename(basename.replace("\\", "/")).replace("\n", " ")[-MAX_BASENAME:]
        ids = [self.filename_id, *self.encode_line(name), self.window_id, *self.encode_items(window)]
        ids.append(self.edit_id)
        ids.extend(self.encode_items(edit_lines))
        if instruction.strip():
            ids.append(self.instruction_id)
            ids.extend(self.encode_items(instruction.strip().replace("\r\n", "\n").split("\n")))
        ids.append(self.answer_id)
        return ids

    def build_answer(self, merged: Iterable[Item]) -> list[int]:
        """Ids of a merged window with the end token: what the model should write."""
        return [*self.encode_items(merged), self.end_id]

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of some ids; special ids have none, and broken UTF-8 is replaced."""
        return b"".join(self._bytes[id_] or b"" for id_ in ids).decode("utf-8", "replace")

    def decode(self, ids: Sequence[int]) -> list[Item]:
        """Lines and gaps of a merged window; `ids` ends with the end token.

        Raises MergedTextError when they are not valid UTF-8, a gap or the end stands inside a line, or
        another special token appears.
        """
        if not ids or ids[-1] != self.end_id:
            raise MergedTextError("the merged window does not end")
        out: list[Item] = []
        text = bytearray()
        for id_ in ids[:-1]:
            piece = self._bytes[id_] if 0 <= id_ < len(self._bytes) else None
            if piece is not None:
                text += piece
            elif id_ == self.gap_id:
                out.extend(_split_lines(text))
                out.append(GAP)
                text.clear()
            else:
                raise MergedTextError(f"token {id_} has no text and is not a gap")
        out.extend(_split_lines(text))
        return out


def _split_lines(text: bytearray) -> list[str]:
    if not text:
        return []
    if not text.endswith(b"\n"):
        raise MergedTextError("a line of the merged window does not end")
    try:
        return text[:-1].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise MergedTextError(f"the merged window is not valid UTF-8: {error}") from error


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer without what would treat some text in its own way."""
    kept = {key: data.get(key) for key in ("version", "pre_tokenizer", "decoder", "model")}
    left_out = {"normalizer": None, "post_processor": None, "truncation": None, "padding": None}
    return kept | {"added_tokens": []} | left_out


def _token_ids(data: dict[str, Any]) -> dict[str, int]:
    model = data.get("model") or {}
    if model.get("type") != "BPE" or '"ByteLevel"' not in json.dumps(data.get("pre_tokenizer")):
        raise PromptError("the tokenizer must be a byte-level BPE")
    return {**model["vocab"], **{token["content"]: token["id"] for token in data.get("added_tokens", [])}}


def _special(ids: dict[str, int], name: str) -> int:
    if name not in ids:
        raise PromptError(f"the tokenizer has no token {name!r}; name another in the prompt template")
    return ids[name]


def _byte_table(ids: dict[str, int], special: set[int]) -> list[bytes | None]:
    """Bytes of every id; None for special ids and ids that are not byte-level text."""
    letters = _byte_letters()
    to_bytes = str.maketrans({letter: chr(byte) for letter, byte in letters.items()})
    byte_level = re.compile(f"[{re.escape(''.join(letters))}]*").fullmatch
    table: list[bytes | None] = [None] * (max(ids.values()) + 1)
    for token, id_ in ids.items():
        if id_ not in special and byte_level(token):
            table[id_] = token.translate(to_bytes).encode("latin-1")
    return table


def _byte_letters() -> dict[str, int]:
    """GPT-2's map of printable letters to bytes: printable bytes stand for themselves, the rest follow from
    U+0100.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    return letters | {chr(0x100 + n): byte for n, byte in enumerate(others)}


Ids = tuple[int, ...]
MOST_LINES = 1 << 15
MOST_LETTERS = 1 << 21  # of all lines together
FEW = 4  # lines from which a call for all of them is cheaper than one for each


class LineIds(dict[str, Ids]):
    """Ids by line, each with its line end. A line that is missing is encoded; the oldest half goes when full.

    Safe to use from several threads: what two of them do at once is done twice.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._letters = 0
        self._numbers = list(range(vocabulary))  # one object for each id, not one for each place it stands at

    def __missing__(self, line: str) -> Ids:
        ids = self._ids(self._tokenizer.encode(line + "\n", add_special_tokens=False).ids)
        self._keep(line, ids)
        return ids

    def learn(self, lines: Iterable[str]) -> None:
        """Encodes those of the lines that are missing together, without the interpreter's lock."""
        missing = [line for line in dict.fromkeys(lines) if line not in self]
        if len(missing) < FEW:
            return
        texts = [line + "\n" for line in missing]
        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        for line, encoding in zip(missing, found, strict=True):
            self._keep(line, self._ids(encoding.ids))

    def _ids(self, found: Sequence[int]) -> Ids:
        return tuple(map(self._numbers.__getitem__, found))

    def _keep(self, line: str, ids: Ids) -> None:
        if len(line) > MOST_LETTERS // 4:
            return
        if len(self) >= MOST_LINES or self._letters > MOST_LETTERS:
            lines = list(self)
            for old in lines[: (len(lines) + 1) // 2]:
                self.pop(old, None)
            self._letters = sum(map(len, list(self)))
        self._letters += len(line)
        self[line] = ids
