"""Whether every word of a comment speaks of leaving code out.

The words that `marker_words` knows make a marker by themselves. These do not: "same as the original" may be
a remark. They make one only where the edit leaves lines of the file out (`normalise.elisions`).
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAID = _words(
    "rest remaining remainder remains existing unchanged untouched unmodified same omitted omit elided "
    "skipped skipping snip snipped truncated previous keep keeps kept leave leaves left stays stay other "
    "others nothing identical original before continues hidden collapsed folded preserved "
)
_BESIDE = _words(
    "the a an all of in on at to for from with and or as is are was were it its this that these those "
    "here there above below so far no not any every everything some more etc code file line lines part "
    "parts section function functions method methods class classes body block implementation logic "
    "content contents module imports definitions fields tests cases change changes changed exactly "
    "completely entirely ahead brevity clarity after up down down like stuff things be must should will "
    "your our my already current way just shown modified left "
)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_MAX_WORDS = 12


def speaks_of_elision(text: str) -> bool:
    """Whether the text of a comment has a word of elision, and no word but such and those that go with it.

    Numbers go with them: "37 lines unchanged".
    """
    words = [word.lower() for word in _WORD.findall(text)]
    if not words or len(words) > _MAX_WORDS or not any(word in _SAID for word in words):
        return False
    return all(word in _SAID or word in _BESIDE or word.isdigit() for word in words)
