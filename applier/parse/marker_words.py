"""The words of elision markers: what a comment must say to stand for code that it does not show.

With dots on both sides, any few words will do. With dots on one side, the words must belong to a marker.
With no dots, the whole comment must be a known phrase: "# keep the original order" is a comment, "# keep
the original code" is a marker.
"""

from __future__ import annotations

import re
from enum import StrEnum


class MarkerKind(StrEnum):
    """What a marker line says about the original."""

    ELIDE = "elide"  # some lines of the original stay here
    ELIDE_REST = "elide_rest"  # all lines stay up to the end of the scope or the file
    DELETE = "delete"  # lines that stood here are gone


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()).replace("~", " ") + ")"


DOTS = r"(?:\.{3,6}|…+|(?:\. ){2,}\.)"
_MAX_WORDS = 14
# What may stand around the words: dashes, brackets, comment borders.
_BORDER = r"[\s\-=~*_#/<>\[\](){}:;,!]+"
_EDGE = re.compile(f"^{_BORDER}|{_BORDER}$")
_LEAD = re.compile(f"^{DOTS}")
_TRAIL = re.compile(f"{DOTS}$")
_PURE = re.compile(f"^{DOTS}$")
_BRACKETED = re.compile(r"^(?:\(.*\)|\[.*\]|<.*>|\{.*\})$")

# Things that hold code, and things that a file consists of. "~" is a space.
_CORE = _any(
    "code file function method class body implementation component module script template markup"
    " document program functions methods file~contents? contents?"
)
PART = _any(
    "code file functions? methods? class(?:es)? body bodies implementations? components? modules?"
    " imports? contents? logic definitions? declarations? script template markup document(?:ation)?"
    " program sections? block tests? test~cases jsx html css styles? routes? handlers? exports? fields"
    " properties props members attributes entries items elements lines statements variables constants"
    " types rules settings options config(?:uration)? keys values columns rows parameters params"
    " arguments args cases branches helpers hooks state setup initiali[sz]ation parts? endpoints views"
    " queries migrations dependencies packages steps jobs services everything stuff source data"
    " docstring"
)
_VERB = _any(
    "is are was stays? remains? goes kept keeps? left should~stay should~remain should~be~kept"
    " continues? unchanged"
)
_SAME = (
    rf"(?:(?:{_VERB}[ ,]+)?(?:completely |exactly |entirely )?"
    + _any(
        "unchanged untouched unmodified intact omitted elided truncated the~same same as[-~]is as~before"
        " same~as~before as~above as~(?:it~)?was exactly~as~before not~(?:changed|shown|modified)"
        " the~same~as~before identical here goes~here in~place continues?"
    )
    + r"(?: for brevity| for clarity| from here| here| below| above| as before)?)"
)
_REST = r"(?:the )?(?:rest|remainder|remaining(?: parts?)?)"
QUALIFIER = _any(
    "existing remaining other previous prior original unchanged unmodified old current rest same all"
    " omitted more"
)
_DETERMINERS = r"(?:the |all |your |any )*"
_WORD = r"[\w`'/.-]+"

# Whole comments that mark an elision with no dots at all.
_PHRASES = (
    rf"{_REST} of (?:the |this |your |that |its |my )?(?:{_WORD} ){{0,3}}{_CORE}(?: {_SAME})?",
    rf"{_REST} of (?:the |this |your )?(?:[\w`'./()-]+ ?){{1,4}} {_SAME}",
    rf"{_REST} {_SAME}",
    rf"{_DETERMINERS}(?:existing|remaining|unchanged|unmodified) (?:{_CORE} )?"
    rf"(?:code|implementation|contents?|logic|body)(?: {_SAME}| goes here)?",
    rf"(?:the )?(?:previous|original) code(?: {_SAME})?",
    rf"{_DETERMINERS}{QUALIFIER} (?:the )?(?:{_WORD} ){{0,3}}{PART} {_SAME}",
    rf"(?:the |all )?(?:{_WORD} ){{0,3}}{_CORE} (?:(?:is|are|stays?|remains?) )?"
    r"(?:unchanged|the same|omitted(?: for brevity)?)",
    rf"everything (?:else )?(?:\w+ ){{0,2}}{_SAME}",
    r"(?:unchanged|unmodified|omitted|elided|same as before|same as above|unchanged code|as before)"
    r"(?: for brevity| here| below| above)?",
    r"no changes? (?:here|below|above|in this (?:section|part|function|method|class|file)|to the rest)",
    r"snip(?:ped)?|(?:code )?truncated|8<|(?:code )?omitted for brevity",
)
_PHRASE = re.compile("|".join(_PHRASES), re.IGNORECASE)
_KEEP = re.compile(
    rf"(?:keep|leave|retain|preserve) {_DETERMINERS}"
    r"(?:rest|remaining|existing|other|original|everything|unchanged)\b(?: [\w-]+){0,7}",
    re.IGNORECASE,
)
# "keep the original order" is no marker; one of these has to be kept.
_KEPT = re.compile(rf"\b(?:rest|everything|{_CORE}|imports|unchanged|as[- ]is|the same)\b", re.IGNORECASE)
# With leading dots, any of these words makes a marker.
_KEYWORD = re.compile(
    r"\b"
    + _any(
        "existing rest remaining remainder unchanged unmodified untouched same others? previous prior omitted"
        " elided keep kept snip more truncated etc as~before as[-~]is continue[sd]? original above below"
        " implementation code imports? methods? functions? fields body props"
    )
    + r"\b",
    re.IGNORECASE,
)
# With dots at the end only, the words must open like a marker: "existing code ...", not "Loading it ...".
_OPENING = re.compile(
    rf"^(?:the |all |your |and |with )*(?:{_REST}|existing|other|previous|unchanged|unmodified|original|same"
    r"|keep|omitted|more)\b",
    re.IGNORECASE,
)
_BRACKETED_OPENING = re.compile(
    rf"^{_DETERMINERS}(?:{_REST}|existing|unchanged|unmodified|keep|omitted)\b", re.IGNORECASE
)
_TO_END = re.compile(
    r"\b(?:rest|remainder)\b|^(?:the )?remaining (?:code|file|part)|everything (?:else )?(?:below|after)",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"(?:removed|deleted|dropped)"
    r"(?:\s*[:\-]\s*\S.*|\s+(?:here|entirely|completely|lines?|code|this line|block)"
    r"|\s+(?:the|old|unused|obsolete|deprecated|redundant|dead|all)\b(?: [\w.`'()-]+){1,5})?"
    r"|(?:this |the |old |unused |obsolete |deprecated )*(?:[\w.`'()-]+ ){1,3}"
    r"(?:(?:has|have) been |was |were |is |are )?(?:removed|deleted)"
    r"|(?:remove|delete) (?:this|these|the following|that|the old|the unused)\b.*",
    re.IGNORECASE,
)
_DELETED_PLAIN = re.compile(r"\W*(?:removed|deleted)\s*(?:[:\-].*|\W*)", re.IGNORECASE)


def bare_words(text: str) -> str:
    """The text without the borders around it."""
    return _EDGE.sub("", text.strip())


def only_dots(text: str) -> bool:
    """Whether the text is dots and borders, with no word."""
    return bool(_PURE.match(bare_words(text)))


def has_keyword(text: str) -> bool:
    """Whether a word of the text belongs to markers."""
    return bool(_KEYWORD.search(text))


def _is_phrase(core: str) -> bool:
    return bool(_PHRASE.fullmatch(core) or (_KEEP.fullmatch(core) and _KEPT.search(core)))


def is_explicit(text: str) -> bool:
    """Whether the text has dots at an end or is a phrase: the bar for a comment in foreign signs."""
    words = bare_words(text)
    return bool(_LEAD.search(words) or _TRAIL.search(words) or _is_phrase(words.strip(" ()[]")))


def classify(text: str, *, in_comment: bool) -> MarkerKind | None:
    """The kind of the text of a comment, or of a bare line (`in_comment` false); None for other words."""
    if in_comment and len(text) - len(text.lstrip()) > 2:
        return None  # laid-out text inside a comment, such as commented-out code
    bracketed = in_comment and bool(_BRACKETED.match(text.strip()))
    words = bare_words(text)
    if not words:
        return None
    if _PURE.match(words):
        return MarkerKind.ELIDE
    lead, trail = bool(_LEAD.search(words)), bool(_TRAIL.search(words))
    core = re.sub(r"\s+", " ", bare_words(_TRAIL.sub("", _LEAD.sub("", words)))).rstrip(".")
    if not core or len(core.split()) > _MAX_WORDS:
        return None
    kind = MarkerKind.ELIDE_REST if _TO_END.search(core) else MarkerKind.ELIDE
    if (lead or trail or bracketed) and _DELETED.fullmatch(core):
        return MarkerKind.DELETE
    if lead:
        return kind if trail or _KEYWORD.search(core) else None
    if bracketed and _BRACKETED_OPENING.match(core):
        return kind
    if trail and _OPENING.match(core):
        return kind
    if not in_comment and not trail:
        return None
    if _DELETED_PLAIN.fullmatch(text) and in_comment:
        return MarkerKind.DELETE
    if words.endswith(".") and " " not in core:
        return None  # the last word of a sentence
    return kind if _is_phrase(core) else None


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
_SPOKEN = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_MOST_SPOKEN = 12


def speaks_of_elision(text: str) -> bool:
    """Whether a comment has a word of elision, and otherwise only words that go with one.

    Numbers go with them: "37 lines unchanged".
    """
    words = [word.lower() for word in _SPOKEN.findall(text)]
    if not words or len(words) > _MOST_SPOKEN or not any(word in _SAID for word in words):
        return False
    return all(word in _SAID or word in _BESIDE or word.isdigit() for word in words)
