"""The folder whose files are edited: which of them may be, and several written all or nothing."""
