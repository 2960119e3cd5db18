"""The exact tier: what an edit says without any doubt is done at once, with no model."""
