"""Another reader of an edit: where all alignments agree the edit falls into segments, each with readings
of its own.
"""
