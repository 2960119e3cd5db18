"""Accuracy, stability and chains: what is measured, how it is scored, summed up and compared."""
