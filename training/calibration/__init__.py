"""How sure a merge is, and when to refuse: fitted on served edits."""
