"""Calls that an operand answers with an __array_ufunc__ of its own: pandas, dask, pint, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyrelu._numpy.resolution import WEAK, dtypes_of, resolve


def call_overridden(
    ufunc: np.ufunc, names: list[str], inputs: list[Any], keywords: dict[str, Any]
) -> Any:
    """Call the ufunc, with Python numbers as scalars of the dtype in which NumPy would compute.

    To NumPy, Python numbers are weak. A DataFrame makes float64 arrays of them, which are not.
    """
    try:
        result = ufunc(*_without_weak(ufunc, inputs, keywords.get("dtype")), **keywords)
    except TypeError as error:
        _refuse_extension_columns(ufunc, names, inputs, error)
        raise
    if "out" not in keywords and hasattr(result, "dtypes") and not _extension_dtypes(result):
        _refuse_extension_columns(ufunc, names, inputs)
    return result


def _without_weak(ufunc: np.ufunc, inputs: list[Any], dtype: Any) -> list[Any]:
    if not any(type(value) in WEAK for value in inputs):
        return inputs
    try:
        dtypes = resolve(ufunc, inputs, dtype)
    except Exception:  # not known, or none that has a loop: the operand decides what that means
        return inputs
    return [
        _scalar(value, dtype) if type(value) in WEAK else value
        for value, dtype in zip(inputs, dtypes, strict=False)
    ]


def _scalar(number: float, dtype: np.dtype) -> Any:
    try:
        return dtype.type(number)
    except OverflowError:  # an integer beyond float64, which NumPy refuses in its own words
        return number


def _refuse_extension_columns(
    ufunc: np.ufunc, names: list[str], inputs: list[Any], cause: Exception | None = None
) -> None:
    """Raise a TypeError for a frame with nullable columns, or others that are not NumPy's.

    A DataFrame keeps their dtypes where the ufunc has one input, and loses them where it has more.
    """
    for name, value in zip(names, inputs, strict=True):
        if ufunc.nin > 1 and (lost := _extension_dtypes(value)):
            raise TypeError(
                f"{ufunc.__name__}: {name} has columns of dtype {lost[0]}, which "
                f"{type(value).__name__} does not keep beside other inputs; expected NumPy's "
                "dtypes, or one column at a time"
            ) from cause


def _extension_dtypes(frame: Any) -> list[Any]:
    if not hasattr(frame, "dtypes"):
        return []
    found = dtypes_of(frame)
    return [each for each in found if hasattr(each, "type") and not isinstance(each, np.dtype)]
