"""The table of dtypes: each that an array may have is declared here, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dtype:
    """A dtype of arrays. Its loop computes in the C type that its elements are stored in."""

    name: str  # NumPy's
    number: str  # NumPy's type number in C
    suffix: str  # of its kernels
    c_type: str

    @property
    def enumerator(self) -> str:
        return self.name.upper()

    @property
    def scalar_type(self) -> str:
        """The type of NumPy's scalars, in NumPy's C interface."""
        return f"Py{self.number.removeprefix('NPY_').capitalize()}ArrType_Type"

    @property
    def tag(self) -> str:
        return self.name.capitalize()


DTYPES = [
    Dtype("float32", "NPY_FLOAT", "f32", "float"),
    Dtype("float64", "NPY_DOUBLE", "f64", "double"),
]
