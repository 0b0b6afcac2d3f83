"""cyrelu's functions inside functions that Numba compiles.

Numba calls init, which it finds by the entry point numba_extensions, when it compiles for the first
time. formulas.py has what is compiled, overloads.py (generated) the signatures, and resolution.py
the rules of dtypes.
"""


def init() -> None:
    from cyrelu._numba import overloads  # noqa: F401  (which registers them)
