"""Order-free numerics: the arithmetic contract (NUMERICS.md), its reference and its backends."""

PROJECT = "samebytes"  # Hugging Face has a package of this name too: see applier/__init__.py
