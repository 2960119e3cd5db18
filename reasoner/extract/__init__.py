"""From a model's reply to edits: fenced snippets, search/replace blocks, V4A patches, unified diffs."""

from applier.patches.scan import Extraction, extract
from reasoner.extract.tools import edits_from_tool_calls

__all__ = ["Extraction", "edits_from_tool_calls", "extract"]
