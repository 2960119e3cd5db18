"""Fine-tuning on exact match: the shipped model against the wrong merges that look like the right one."""
