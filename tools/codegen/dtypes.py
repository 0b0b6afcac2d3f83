"""The table of dtypes that the loops compute in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dtype:
    name: str  # NumPy's
    suffix: str  # of its kernels
    c_type: str


DTYPES = [
    Dtype("float32", "f32", "float"),
    Dtype("float64", "f64", "double"),
]
