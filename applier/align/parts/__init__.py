"""Search text and hunks that do not match exactly, laid over the file by rules."""
