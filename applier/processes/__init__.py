"""The interpreter's part of edits (reading, locating, checking) in processes of their own.

Parsing and aligning hold the interpreter's lock, so one process places about as many edits a second as one
core does, however fast the model is. Here each process runs whole requests except for their merges: it sends
these to the process that has the model, and goes on with what the model wrote. It is the same code on the
same request, so no answer changes; a request whose process dies is computed again in the process with the
model.
"""
