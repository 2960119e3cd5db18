"""Evaluation cases: written for this project, mined from held-out repositories, or imported."""

from evals.cases.case import Case, Category, case_from_json, case_to_json

__all__ = ["Case", "Category", "case_from_json", "case_to_json"]
