"""From a base and an adapter to served int8 weights, by exact arithmetic."""
