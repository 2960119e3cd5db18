"""From edits to what a model learns: labels, prompts, shards."""
