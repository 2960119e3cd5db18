"""Accuracy, stability and chains: what is measured, and how it is scored."""
