"""What a backend does with a seed, found out by asking it."""
