"""Measurements: accuracy, edit stability and determinism audits."""
