"""Which edits of a history are worth learning from."""
