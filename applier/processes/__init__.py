"""The interpreter's part of edits (reading, locating, checking) in processes of their own.

Parsing and aligning hold the interpreter's lock, so one process places about as many edits a second as one
core does, however fast the model is. Here each process runs whole requests but for the merge: it sends what
it orders of the model to the process that has it, and goes on with what the model wrote. It is the same code
on the same request, so no answer changes; one whose process dies is computed again where the model is.
"""
