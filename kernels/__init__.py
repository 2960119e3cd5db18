"""Order-free numerics: the arithmetic contract (NUMERICS.md), its reference and its backends."""
