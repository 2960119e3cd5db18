"""Which merged windows keep a file parsing: a merge that breaks it is hardly the one that was meant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..syntax.parser import has_grammar
from ..syntax.source_syntax import SourceSyntax
from ..text.encoding import UTF8
from ..text.source_text import SourceText
from ..text.window import Item, Window

MAX_LETTERS = 1 << 18  # of a file that is parsed again for every reading


class Soundness:
    """Says of a merged window whether the file is known to parse with it. Of a file that does not parse as it
    is, has no grammar, or is large, everything is sound.
    """

    def __init__(self, syntax: SourceSyntax, window: Window) -> None:
        self._file, self._window = syntax, window

    @cached_property
    def _syntax(self) -> SourceSyntax | None:
        """Of the file with LF; None where everything is sound."""
        source = self._file.source
        large = len(source.body) > MAX_LETTERS and sum(map(len, source.lines)) > MAX_LETTERS
        if large or not has_grammar(self._file.language):
            return None
        syntax = self._file.with_line_feeds()
        return syntax if syntax.known and not syntax.errors else None

    def __call__(self, merged: Sequence[Item]) -> bool:
        """Raises WindowError when a gap is missing."""
        syntax = self._syntax
        if syntax is None:
            return True
        body: list[bytes] = []
        touched: list[tuple[int, int]] = []
        changed: list[tuple[int, int]] = []
        source, line, copied = syntax.source, 0, 0
        for start, end, lines in self._window.pieces(merged):
            body.append(source.body[source.offset(copied) : source.offset(start)])
            body.append("".join(text + "\n" for text in lines).encode("utf-8", "surrogatepass"))
            line += start - copied
            touched.append((start, end))
            changed.append((line, line + len(lines)))
            line += len(lines)
            copied = end
        body.append(source.body[source.offset(copied) :])
        return syntax.errors_after(SourceText(b"".join(body), UTF8), touched, changed) == ()
