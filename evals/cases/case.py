"""One evaluation case: a file, an edit of it, and what must come out."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from applier.types import EditFormat, EditOptions, EditRequest, RefusalReason, Tier
from evals.cases.case_tests import CaseTests, tests_from_json


class Category(StrEnum):
    """What a case is about: the failures that edit tools are known for, and plain edits."""

    PLAIN = "plain"
    HELD_OUT = "held_out"
    IMPORTED = "imported"
    PLACEHOLDER_LEAK = "placeholder_leak"
    MASS_DELETION = "mass_deletion"
    AMBIGUOUS_MATCH = "ambiguous_match"
    OUTSIDE_EDIT = "outside_edit"
    IMPORTS = "imports"
    INDENTATION = "indentation"
    LINE_ENDINGS = "line_endings"
    ENCODING = "encoding"
    FINAL_NEWLINE = "final_newline"
    PARTIAL_APPLICATION = "partial_application"
    CONCURRENT_EDIT = "concurrent_edit"
    METACHARACTERS = "metacharacters"
    DELIMITER_COLLISION = "delimiter_collision"
    APPLIED_TWICE = "applied_twice"
    LARGE_FILE = "large_file"
    ERROR_REPORT = "error_report"
    SYNTAX_GATE = "syntax_gate"
    FUZZY_AS_EXACT = "fuzzy_as_exact"


@dataclass(frozen=True, slots=True)
class Case:
    """Either `expected` holds the right file, or `refusals` the typed reasons any of which is right.

    With both, applying the edit correctly and refusing for one of the reasons are equally right. `not_exact`
    says that a result reported as the exact tier is wrong even when its bytes are right; `needs_edit_line`
    that a refusal must name the failing line of the edit. `placeholders` are lines of the edit, without their
    indentation, that stand for code and must not reach the file, whether or not the applier knows them.
    `tests` pass on the expected file and fail on the original (unless the edit is there already).
    """

    id: str
    category: Category
    language: str
    path: str
    format: EditFormat
    original: bytes
    edit: bytes
    expected: bytes | None = None
    refusals: frozenset[RefusalReason] = frozenset()
    instruction: str = ""
    expected_sha256: str | None = None
    not_exact: bool = False
    needs_edit_line: bool = False
    source: str = ""  # where an imported or mined case is from
    tags: tuple[str, ...] = field(default=())
    placeholders: tuple[str, ...] = ()
    tests: CaseTests | None = None

    def __post_init__(self) -> None:
        if self.expected is None and not self.refusals:
            raise ValueError(f"case {self.id}: neither expected bytes nor an expected refusal")

    def request(self, options: EditOptions | None = None) -> EditRequest:
        """The request that a user of the applier would send."""
        return EditRequest(
            original=self.original,
            edit=self.edit,
            path=self.path,
            format=self.format,
            instruction=self.instruction,
            expected_sha256=self.expected_sha256,
            options=options or EditOptions(),
        )

    def allows_tier(self, tier: Tier) -> bool:
        """False where the result claims an exact match that was not one."""
        return not (self.not_exact and tier is Tier.EXACT)


def _bytes(record: dict[str, Any], name: str, encoding: str) -> bytes | None:
    if f"{name}_base64" in record:
        return base64.b64decode(record[f"{name}_base64"], validate=True)
    text = record.get(name)
    return None if text is None else text.encode(encoding)


def case_from_json(record: dict[str, Any], trusted: bool = False) -> Case:
    """A case from one JSON object; only a `trusted` one may carry tests, which are code to run.

    Texts are strings with their line ends written out, encoded with the Python codec `encoding` (default
    utf-8); bytes that are not text are base64 under `original_base64` and the like. `pad: [n, m]` puts n
    generated lines before and m after the original and the expected text. The edit is UTF-8 unless
    `edit_encoding` says otherwise. Raises ValueError and KeyError for records that are not a case.
    """
    encoding = record.get("encoding", "utf-8")
    original = _bytes(record, "original", encoding)
    edit = _bytes(record, "edit", record.get("edit_encoding", "utf-8"))
    expected = _bytes(record, "expected", encoding)
    if "tests" in record and not trusted:
        raise ValueError(f"case {record.get('id')}: only the cases of this package may carry tests")
    if original is None or edit is None:
        raise ValueError(f"case {record.get('id')}: original and edit are both needed")
    if "pad" in record:
        before, after = (
            padding(count, record["pad_line"], encoding, part) for part, count in enumerate(record["pad"])
        )
        original = before + original + after
        expected = None if expected is None else before + expected + after
    return Case(
        id=record["id"],
        category=Category(record["category"]),
        language=record["language"],
        path=record["path"],
        format=EditFormat(record["format"]),
        original=original,
        edit=edit,
        expected=expected,
        refusals=frozenset(RefusalReason(reason) for reason in record.get("refusals", [])),
        instruction=record.get("instruction", ""),
        expected_sha256=record.get("expected_sha256"),
        not_exact=record.get("not_exact", False),
        needs_edit_line=record.get("needs_edit_line", False),
        source=record.get("source", ""),
        tags=tuple(record.get("tags", [])),
        placeholders=tuple(record.get("placeholders", [])),
        tests=tests_from_json(record["tests"]) if "tests" in record else None,
    )


def padding(count: int, template: str, encoding: str, part: int) -> bytes:
    """`count` generated lines for a large file; `{n}` in the template is a number used once."""
    start = part * 1_000_000
    return "".join(template.replace("{n}", str(start + n)) + "\n" for n in range(count)).encode(encoding)


def case_to_json(case: Case) -> dict[str, Any]:
    """The JSON object of a case, with bytes in base64: for cases that were mined or imported."""
    record: dict[str, Any] = {
        "id": case.id,
        "category": case.category.value,
        "language": case.language,
        "path": case.path,
        "format": case.format.value,
        "original_base64": base64.b64encode(case.original).decode(),
        "edit_base64": base64.b64encode(case.edit).decode(),
        "instruction": case.instruction,
        "source": case.source,
        "tags": list(case.tags),
        "refusals": sorted(reason.value for reason in case.refusals),
    }
    if case.expected is not None:
        record["expected_base64"] = base64.b64encode(case.expected).decode()
    if case.expected_sha256 is not None:
        record["expected_sha256"] = case.expected_sha256
    if case.placeholders:
        record["placeholders"] = list(case.placeholders)
    record |= {name: True for name in ("not_exact", "needs_edit_line") if getattr(case, name)}
    return record
