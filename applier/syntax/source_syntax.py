"""What a parser says of a file, and of the same file with some of its lines replaced.

The file's tree is kept, for this request and for the next ones of the same file. A result is parsed from it:
tree-sitter takes over what did not change, so that the cost follows the edit. Only "no error" is concluded in
this way. Recovery from an error may depend on what was taken over; errors are therefore taken from a parse
from scratch. So the answer is a function of the two texts, whatever was parsed before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import tree_sitter

from ..text.encoding import UTF8
from ..text.line_diff import same_ends
from ..text.source_text import SourceText
from .parser import error_spans, errors_of, has_grammar, parse, whole_lines

Lines = Sequence[tuple[int, int]]  # 0-based half-open ranges


class SourceSyntax:
    """The syntax of one file, in one language. Without a grammar there are no errors."""

    def __init__(self, source: SourceText, language: str | None) -> None:
        self.source, self.language = source, language
        self._data = whole_lines(source.body)
        self._parsed: Parsed | None = None
        self._known: dict[bytes, Spans] = {}

    @property
    def errors(self) -> Spans:
        """First and last line, 1-based, of each error in the file; see `parser.error_spans`."""
        return self._parse()[1] if has_grammar(self.language) else ()

    def _parse(self) -> Parsed:
        self._parsed = self._parsed or _trees.find(self.language, self._data)
        if self._parsed is None:
            tree = parse(self._data, self.language)
            assert tree is not None
            self._parsed = tree, errors_of(tree)
            _trees.keep(self.language, self._data, self._parsed)
        return self._parsed

    def errors_after(self, after: SourceText, touched: Lines, changed: Lines) -> Spans:
        """The errors of `after`, in which the lines `changed` have replaced the lines `touched` of the file,
        one range for one, ascending; all other lines are the same.
        """
        data = whole_lines(after.body)
        if data not in self._known:
            clean = not self.errors and self._still_parses(data, after, touched, changed)
            self._known[data] = () if clean else error_spans(data, self.language) or ()
        return self._known[data]

    def _still_parses(self, data: bytes, after: SourceText, touched: Lines, changed: Lines) -> bool:
        """Whether the file parses to the end with the changes, from the tree that it had without them."""
        if not has_grammar(self.language) or self.source.newline == "\r":  # to the parser, CR ends no row
            return False
        tree = self._parse()[0].copy()
        growth = 0
        for (start, end), (new_start, new_end) in reversed(list(zip(touched, changed, strict=True))):
            old, new = self.source.slice(start, end), after.slice(new_start, new_end)
            above, below = same_ends(old, new)
            start, end, new_start, new_end = start + above, end - below, new_start + above, new_end - below
            if start == end and new_start == new_end:  # an edit of nothing would be parsed again all the same
                continue
            low, high = _at(self.source, self._data, start), _at(self.source, self._data, end)
            size = _at(after, data, new_end) - _at(after, data, new_start)
            rows = start + new_end - new_start
            tree.edit(low, high, low + size, (start, 0), (end, 0), (rows, 0))
            growth += size - (high - low)
        if len(self._data) + growth != len(data):  # the end of the file has changed in another way
            return False
        now = parse(data, self.language, tree)
        return now is not None and not now.root_node.has_error

    def with_line_feeds(self) -> SourceSyntax:
        """Of the same lines with LF after each of them."""
        if self.source.newline == "\n":
            return self
        text = "".join(line + "\n" for line in self.source.lines)
        return SourceSyntax(SourceText(text.encode("utf-8", "surrogatepass"), UTF8), self.language)


def _at(text: SourceText, data: bytes, line: int) -> int:
    """Where a line starts in the text's whole lines."""
    return text.offset(line) if line < text.line_count else len(data)


MOST_BYTES = 1 << 21  # of files
# Measured over 16 grammars, a tree takes 10 to 80 times its text, most often about 30.
MOST_MEMORY = 64 * MOST_BYTES  # bytes that the trees of a process almost certainly stay below

Spans = Sequence[tuple[int, int]]
Parsed = tuple[tree_sitter.Tree, Spans]  # with the errors in it


class Trees:
    """By language and text, at most `most_bytes` of text; the least recently used goes first.

    Safe to use from several threads.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[tuple[str | None, bytes], Parsed] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, language: str | None, data: bytes) -> Parsed | None:
        """The tree of a text; None where it is not kept."""
        with self._lock:
            found = self._kept.get((language, data))
            if found is not None:
                self._kept.move_to_end((language, data))
            return found

    def keep(self, language: str | None, data: bytes, parsed: Parsed) -> None:
        """Keeps the tree of a parse from scratch."""
        with self._lock:
            if len(data) > self._most // 4 or (language, data) in self._kept:
                return
            self._kept[language, data] = parsed
            self._bytes += len(data)
            while self._bytes > self._most:
                (_, oldest), _ = self._kept.popitem(last=False)
                self._bytes -= len(oldest)


_trees = Trees()
