from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EditFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDIT_FORMAT_UNSPECIFIED: _ClassVar[EditFormat]
    EDIT_FORMAT_AUTO: _ClassVar[EditFormat]
    EDIT_FORMAT_LAZY: _ClassVar[EditFormat]
    EDIT_FORMAT_SEARCH_REPLACE: _ClassVar[EditFormat]
    EDIT_FORMAT_UNIFIED_DIFF: _ClassVar[EditFormat]
    EDIT_FORMAT_V4A: _ClassVar[EditFormat]
    EDIT_FORMAT_WHOLE_FILE: _ClassVar[EditFormat]

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    STATUS_APPLIED: _ClassVar[Status]
    STATUS_ALREADY_APPLIED: _ClassVar[Status]
    STATUS_REFUSED: _ClassVar[Status]

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_NONE: _ClassVar[Tier]
    TIER_EXACT: _ClassVar[Tier]
    TIER_MODEL: _ClassVar[Tier]
    TIER_ALIGNED: _ClassVar[Tier]

class RefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUSAL_REASON_UNSPECIFIED: _ClassVar[RefusalReason]
    REFUSAL_REASON_EMPTY_EDIT: _ClassVar[RefusalReason]
    REFUSAL_REASON_BINARY_FILE: _ClassVar[RefusalReason]
    REFUSAL_REASON_UNDECODABLE: _ClassVar[RefusalReason]
    REFUSAL_REASON_TOO_LARGE: _ClassVar[RefusalReason]
    REFUSAL_REASON_STALE_ORIGINAL: _ClassVar[RefusalReason]
    REFUSAL_REASON_UNPARSABLE_EDIT: _ClassVar[RefusalReason]
    REFUSAL_REASON_NO_MATCH: _ClassVar[RefusalReason]
    REFUSAL_REASON_AMBIGUOUS_MATCH: _ClassVar[RefusalReason]
    REFUSAL_REASON_CONTRADICTORY_EDIT: _ClassVar[RefusalReason]
    REFUSAL_REASON_WINDOW_TOO_LARGE: _ClassVar[RefusalReason]
    REFUSAL_REASON_LOW_CONFIDENCE: _ClassVar[RefusalReason]
    REFUSAL_REASON_PLACEHOLDER_LEAK: _ClassVar[RefusalReason]
    REFUSAL_REASON_OUTSIDE_EDIT: _ClassVar[RefusalReason]
    REFUSAL_REASON_SYNTAX_ERROR: _ClassVar[RefusalReason]
    REFUSAL_REASON_MASS_DELETION: _ClassVar[RefusalReason]
    REFUSAL_REASON_NO_MODEL: _ClassVar[RefusalReason]
    REFUSAL_REASON_FILE_MISSING: _ClassVar[RefusalReason]
    REFUSAL_REASON_FILE_EXISTS: _ClassVar[RefusalReason]
    REFUSAL_REASON_INVALID_PATH: _ClassVar[RefusalReason]
EDIT_FORMAT_UNSPECIFIED: EditFormat
EDIT_FORMAT_AUTO: EditFormat
EDIT_FORMAT_LAZY: EditFormat
EDIT_FORMAT_SEARCH_REPLACE: EditFormat
EDIT_FORMAT_UNIFIED_DIFF: EditFormat
EDIT_FORMAT_V4A: EditFormat
EDIT_FORMAT_WHOLE_FILE: EditFormat
STATUS_UNSPECIFIED: Status
STATUS_APPLIED: Status
STATUS_ALREADY_APPLIED: Status
STATUS_REFUSED: Status
TIER_UNSPECIFIED: Tier
TIER_NONE: Tier
TIER_EXACT: Tier
TIER_MODEL: Tier
TIER_ALIGNED: Tier
REFUSAL_REASON_UNSPECIFIED: RefusalReason
REFUSAL_REASON_EMPTY_EDIT: RefusalReason
REFUSAL_REASON_BINARY_FILE: RefusalReason
REFUSAL_REASON_UNDECODABLE: RefusalReason
REFUSAL_REASON_TOO_LARGE: RefusalReason
REFUSAL_REASON_STALE_ORIGINAL: RefusalReason
REFUSAL_REASON_UNPARSABLE_EDIT: RefusalReason
REFUSAL_REASON_NO_MATCH: RefusalReason
REFUSAL_REASON_AMBIGUOUS_MATCH: RefusalReason
REFUSAL_REASON_CONTRADICTORY_EDIT: RefusalReason
REFUSAL_REASON_WINDOW_TOO_LARGE: RefusalReason
REFUSAL_REASON_LOW_CONFIDENCE: RefusalReason
REFUSAL_REASON_PLACEHOLDER_LEAK: RefusalReason
REFUSAL_REASON_OUTSIDE_EDIT: RefusalReason
REFUSAL_REASON_SYNTAX_ERROR: RefusalReason
REFUSAL_REASON_MASS_DELETION: RefusalReason
REFUSAL_REASON_NO_MODEL: RefusalReason
REFUSAL_REASON_FILE_MISSING: RefusalReason
REFUSAL_REASON_FILE_EXISTS: RefusalReason
REFUSAL_REASON_INVALID_PATH: RefusalReason

class EditOptions(_message.Message):
    __slots__ = ("allow_model", "constrain_to_known_lines", "syntax_gate", "min_confidence", "accept")
    ALLOW_MODEL_FIELD_NUMBER: _ClassVar[int]
    CONSTRAIN_TO_KNOWN_LINES_FIELD_NUMBER: _ClassVar[int]
    SYNTAX_GATE_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    allow_model: bool
    constrain_to_known_lines: bool
    syntax_gate: bool
    min_confidence: float
    accept: str
    def __init__(self, allow_model: _Optional[bool] = ..., constrain_to_known_lines: _Optional[bool] = ..., syntax_gate: _Optional[bool] = ..., min_confidence: _Optional[float] = ..., accept: _Optional[str] = ...) -> None: ...

class ApplyEditRequest(_message.Message):
    __slots__ = ("original", "edit", "path", "language", "format", "instruction", "expected_sha256", "options")
    ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SHA256_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    original: bytes
    edit: bytes
    path: str
    language: str
    format: EditFormat
    instruction: str
    expected_sha256: str
    options: EditOptions
    def __init__(self, original: _Optional[bytes] = ..., edit: _Optional[bytes] = ..., path: _Optional[str] = ..., language: _Optional[str] = ..., format: _Optional[_Union[EditFormat, str]] = ..., instruction: _Optional[str] = ..., expected_sha256: _Optional[str] = ..., options: _Optional[_Union[EditOptions, _Mapping]] = ...) -> None: ...

class LineRange(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("diff", "result_sha256", "confidence")
    DIFF_FIELD_NUMBER: _ClassVar[int]
    RESULT_SHA256_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    diff: bytes
    result_sha256: str
    confidence: float
    def __init__(self, diff: _Optional[bytes] = ..., result_sha256: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reason", "message", "candidates", "edit_line", "offer")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    EDIT_LINE_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    reason: RefusalReason
    message: str
    candidates: _containers.RepeatedCompositeFieldContainer[LineRange]
    edit_line: int
    offer: Offer
    def __init__(self, reason: _Optional[_Union[RefusalReason, str]] = ..., message: _Optional[str] = ..., candidates: _Optional[_Iterable[_Union[LineRange, _Mapping]]] = ..., edit_line: _Optional[int] = ..., offer: _Optional[_Union[Offer, _Mapping]] = ...) -> None: ...

class Validation(_message.Message):
    __slots__ = ("language", "syntax_errors_before", "syntax_errors_after", "outside_bytes_changed", "diff_round_trips", "placeholder_leaks", "syntax_unknown")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SYNTAX_ERRORS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SYNTAX_ERRORS_AFTER_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_BYTES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    DIFF_ROUND_TRIPS_FIELD_NUMBER: _ClassVar[int]
    PLACEHOLDER_LEAKS_FIELD_NUMBER: _ClassVar[int]
    SYNTAX_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    language: str
    syntax_errors_before: int
    syntax_errors_after: int
    outside_bytes_changed: int
    diff_round_trips: bool
    placeholder_leaks: int
    syntax_unknown: bool
    def __init__(self, language: _Optional[str] = ..., syntax_errors_before: _Optional[int] = ..., syntax_errors_after: _Optional[int] = ..., outside_bytes_changed: _Optional[int] = ..., diff_round_trips: _Optional[bool] = ..., placeholder_leaks: _Optional[int] = ..., syntax_unknown: _Optional[bool] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("request_sha256", "result_sha256", "fingerprint")
    REQUEST_SHA256_FIELD_NUMBER: _ClassVar[int]
    RESULT_SHA256_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    request_sha256: str
    result_sha256: str
    fingerprint: str
    def __init__(self, request_sha256: _Optional[str] = ..., result_sha256: _Optional[str] = ..., fingerprint: _Optional[str] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("parse_ms", "locate_ms", "merge_ms", "verify_ms", "total_ms", "load_ms")
    PARSE_MS_FIELD_NUMBER: _ClassVar[int]
    LOCATE_MS_FIELD_NUMBER: _ClassVar[int]
    MERGE_MS_FIELD_NUMBER: _ClassVar[int]
    VERIFY_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    LOAD_MS_FIELD_NUMBER: _ClassVar[int]
    parse_ms: float
    locate_ms: float
    merge_ms: float
    verify_ms: float
    total_ms: float
    load_ms: float
    def __init__(self, parse_ms: _Optional[float] = ..., locate_ms: _Optional[float] = ..., merge_ms: _Optional[float] = ..., verify_ms: _Optional[float] = ..., total_ms: _Optional[float] = ..., load_ms: _Optional[float] = ...) -> None: ...

class TokenCounts(_message.Message):
    __slots__ = ("prompt", "merged", "drafted", "accepted", "passes")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MERGED_FIELD_NUMBER: _ClassVar[int]
    DRAFTED_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    prompt: int
    merged: int
    drafted: int
    accepted: int
    passes: int
    def __init__(self, prompt: _Optional[int] = ..., merged: _Optional[int] = ..., drafted: _Optional[int] = ..., accepted: _Optional[int] = ..., passes: _Optional[int] = ...) -> None: ...

class ApplyEditResponse(_message.Message):
    __slots__ = ("status", "content", "diff", "tier", "confidence", "validation", "receipt", "refusal", "format", "timing", "tokens")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    content: bytes
    diff: bytes
    tier: Tier
    confidence: float
    validation: Validation
    receipt: Receipt
    refusal: Refusal
    format: EditFormat
    timing: Timing
    tokens: TokenCounts
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., content: _Optional[bytes] = ..., diff: _Optional[bytes] = ..., tier: _Optional[_Union[Tier, str]] = ..., confidence: _Optional[float] = ..., validation: _Optional[_Union[Validation, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., format: _Optional[_Union[EditFormat, str]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., tokens: _Optional[_Union[TokenCounts, _Mapping]] = ...) -> None: ...

class ApplyEditsRequest(_message.Message):
    __slots__ = ("id", "request")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    request: ApplyEditRequest
    def __init__(self, id: _Optional[str] = ..., request: _Optional[_Union[ApplyEditRequest, _Mapping]] = ...) -> None: ...

class EditError(_message.Message):
    __slots__ = ("code", "message", "field")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    field: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class ApplyEditsResponse(_message.Message):
    __slots__ = ("id", "response", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    response: ApplyEditResponse
    error: EditError
    def __init__(self, id: _Optional[str] = ..., response: _Optional[_Union[ApplyEditResponse, _Mapping]] = ..., error: _Optional[_Union[EditError, _Mapping]] = ...) -> None: ...

class SourceFile(_message.Message):
    __slots__ = ("path", "content")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    path: str
    content: bytes
    def __init__(self, path: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class ApplyPatchRequest(_message.Message):
    __slots__ = ("files", "patch", "instruction", "options")
    FILES_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[SourceFile]
    patch: bytes
    instruction: str
    options: EditOptions
    def __init__(self, files: _Optional[_Iterable[_Union[SourceFile, _Mapping]]] = ..., patch: _Optional[bytes] = ..., instruction: _Optional[str] = ..., options: _Optional[_Union[EditOptions, _Mapping]] = ...) -> None: ...

class FileChange(_message.Message):
    __slots__ = ("path", "old_sha256", "content", "moved_from")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OLD_SHA256_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MOVED_FROM_FIELD_NUMBER: _ClassVar[int]
    path: str
    old_sha256: str
    content: bytes
    moved_from: str
    def __init__(self, path: _Optional[str] = ..., old_sha256: _Optional[str] = ..., content: _Optional[bytes] = ..., moved_from: _Optional[str] = ...) -> None: ...

class PatchRefusal(_message.Message):
    __slots__ = ("path", "reason", "message", "patch_line", "candidates")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PATCH_LINE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: RefusalReason
    message: str
    patch_line: int
    candidates: _containers.RepeatedCompositeFieldContainer[LineRange]
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[_Union[RefusalReason, str]] = ..., message: _Optional[str] = ..., patch_line: _Optional[int] = ..., candidates: _Optional[_Iterable[_Union[LineRange, _Mapping]]] = ...) -> None: ...

class PatchEdit(_message.Message):
    __slots__ = ("path", "response")
    PATH_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    path: str
    response: ApplyEditResponse
    def __init__(self, path: _Optional[str] = ..., response: _Optional[_Union[ApplyEditResponse, _Mapping]] = ...) -> None: ...

class ApplyPatchResponse(_message.Message):
    __slots__ = ("status", "changes", "diff", "receipt", "refusals", "edits")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    changes: _containers.RepeatedCompositeFieldContainer[FileChange]
    diff: bytes
    receipt: Receipt
    refusals: _containers.RepeatedCompositeFieldContainer[PatchRefusal]
    edits: _containers.RepeatedCompositeFieldContainer[PatchEdit]
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., changes: _Optional[_Iterable[_Union[FileChange, _Mapping]]] = ..., diff: _Optional[bytes] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., refusals: _Optional[_Iterable[_Union[PatchRefusal, _Mapping]]] = ..., edits: _Optional[_Iterable[_Union[PatchEdit, _Mapping]]] = ...) -> None: ...

class GetFingerprintRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFingerprintResponse(_message.Message):
    __slots__ = ("fingerprint",)
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    def __init__(self, fingerprint: _Optional[str] = ...) -> None: ...
