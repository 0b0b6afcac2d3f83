"""The dtypes in which NumPy computes a call, found without computing anything."""

from __future__ import annotations

from typing import Any

import numpy as np

ARRAYS_AND_NUMBERS = (np.ndarray, np.generic, int, float, complex)
WEAK = (int, float)  # Python numbers take the dtype of the arrays beside them, a bool does not


def resolved(ufunc: np.ufunc, inputs: list[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """Return the dtypes of the inputs and of the output, for this dtype= of the ufunc.

    Raise an error of any type for an input whose dtype is not known, and where there is no loop.
    """
    signature = (*[None] * len(inputs), None if dtype is None else as_dtype(dtype))
    return ufunc.resolve_dtypes((*map(_dtype_of, inputs), None), signature=signature)


def as_dtype(dtype: Any) -> np.dtype:
    """Return what a ufunc makes of dtype=: the class of a dtype means that dtype, not object."""
    is_class = isinstance(dtype, type(np.dtype))
    return dtype() if is_class else np.dtype(dtype)


def dtypes_of(operand: Any) -> list[Any]:
    """Return the dtype of an array of another library, or those of a frame's columns."""
    # A frame may have a column that is called dtype, and a Series has one dtype under both names.
    dtypes = operand.dtypes if hasattr(operand, "dtypes") else operand.dtype
    return list(dtypes) if np.iterable(dtypes) else [dtypes]


def _dtype_of(operand: Any) -> np.dtype | type:
    if type(operand) in WEAK:
        return type(operand)
    if isinstance(operand, ARRAYS_AND_NUMBERS):
        return np.asanyarray(operand).dtype
    (dtype,) = set(dtypes_of(operand))
    if isinstance(dtype, np.dtype):
        return dtype
    if issubclass(dtype.type, np.generic):  # the dtype of another library for NumPy's scalars
        return np.dtype(dtype.type)
    raise TypeError(f"{dtype} is not a dtype of NumPy's scalars")
