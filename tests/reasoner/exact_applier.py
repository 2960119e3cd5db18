"""The applier's exact tier with its own checks and receipts, for edits that need no model."""

from __future__ import annotations

from applier import receipt
from applier.exact import AlreadyApplied, Applied, NeedsModel, Refused, apply_exact
from applier.formats import parse_edit
from applier.formats.base import EditParseError
from applier.languages import language_for_path
from applier.text import SourceText
from applier.types import (
    EditRequest,
    EditResult,
    Refusal,
    RefusalReason,
    Status,
    Tier,
    Validation,
)
from applier.verify import verify


class ExactApplier:
    """`apply` and `fingerprint`, as of the whole applier without a model."""

    def fingerprint(self) -> str:
        return receipt.fingerprint("", "", 1)

    def apply(self, request: EditRequest) -> EditResult:
        original, language = request.original, language_for_path(request.path)
        source = SourceText.decode(original)
        try:
            edit = parse_edit(request.edit.decode(), request.format, request.path, language)
        except EditParseError as error:
            return self._result(request, original, refusal=Refusal(RefusalReason.UNPARSABLE_EDIT, str(error)))
        match apply_exact(source, edit, language):
            case AlreadyApplied():
                return self._result(request, original, status=Status.ALREADY_APPLIED)
            case Refused(refusal):
                return self._result(request, original, refusal=refusal)
            case NeedsModel(why, candidates):
                return self._result(
                    request, original, refusal=Refusal(RefusalReason.NO_MATCH, why, candidates)
                )
            case Applied(replacements, final_newline):
                content = source.replace(replacements, final_newline)
                touched = [(part.start, part.end) for part in replacements]
                verdict = verify(
                    source,
                    original,
                    content,
                    touched,
                    edit,
                    path=request.path,
                    language=language,
                    syntax_gate=request.options.syntax_gate,
                    final_newline=final_newline,
                )
                if verdict.refusal:
                    return self._result(request, original, refusal=verdict.refusal)
                return self._result(request, content, diff=verdict.diff, validation=verdict.validation)

    def _result(
        self,
        request: EditRequest,
        content: bytes,
        *,
        status: Status = Status.APPLIED,
        refusal: Refusal | None = None,
        diff: bytes = b"",
        validation: Validation | None = None,
    ) -> EditResult:
        return EditResult(
            status=Status.REFUSED if refusal else status,
            content=content,
            diff=diff,
            tier=Tier.NONE if refusal else Tier.EXACT,
            confidence=0.0 if refusal else 1.0,
            validation=validation or Validation(),
            receipt=receipt.make(request, content, self.fingerprint()),
            refusal=refusal,
        )
