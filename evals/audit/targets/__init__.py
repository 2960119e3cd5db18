"""Targets of an audit: the applier itself, OpenAI-compatible servers, and stock models in process."""
