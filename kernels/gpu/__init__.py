"""Triton kernels of the arithmetic contract, one small module each, and the GPU backend built on them.

Import this package only where the backend is wanted: importing it needs the library `triton`. With
`TRITON_INTERPRET=1` set before the import, the same kernels run on CPU tensors in Triton's interpreter.
"""
