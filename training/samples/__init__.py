"""From edits to token ids, shards and packs."""
