"""The ids of lines, remembered: a file's lines come again in every part of its edit, and with the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer

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
