"""What each backend does with a seed, declared and probed."""
