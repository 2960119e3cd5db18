"""What is kept of calls and edits, in a ledger that cannot be changed unnoticed."""
