"""What a reasoning model is told, and how files are shown to it."""
