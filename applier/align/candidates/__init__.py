"""The readings of a segment: what alignments make of it, and what they may have missed."""
