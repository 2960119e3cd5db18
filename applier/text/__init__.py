"""Lines, encodings, indentation, line diffs: what all rooms know of text."""
