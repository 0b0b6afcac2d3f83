"""Which dtype a call has, by the rules of the Python functions, and the loop that computes it."""

# Numba has no types, and need not be installed.
# mypy: ignore-errors

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types, vectorize
from numba.core.errors import TypingError
from numba.np.numpy_support import as_dtype, from_dtype

from cyrelu._numba import formulas

TAKES_INTEGERS = ("relu", "add_relu")
WEAK = {"b": False, "i": 0, "u": 0, "f": 0.0}  # the Python number of a kind


@njit
def unchanged(operand):
    return operand


def resolved(
    name: str, arrays: dict[str, Any], factors: dict[str, Any], out: Any
) -> tuple[Any, ...]:
    """The loop for these operands, and for each what makes a scalar a number of its dtype."""
    operands = {**arrays, **factors}
    for argument, operand in operands.items():
        if dtype_of(operand) is None:
            raise TypingError(
                f"cyrelu.{name}: {argument} is {operand}; expected an array or a number of "
                "float32, float64, bool or an integer type"
            )
    dtype = result_type(arrays, factors)
    if dtype.kind in "biu" and name not in TAKES_INTEGERS:
        dtype = np.dtype(np.float64)
    if not is_none(out) and not (isinstance(out, types.Array) and as_dtype(out.dtype) == dtype):
        raise TypingError(f"cyrelu.{name}: out is {out}; expected None or an array of {dtype}")
    as_number = from_dtype(dtype)
    casts = [
        unchanged if isinstance(operand, types.Array) else as_number
        for operand in operands.values()
    ]
    return loop(name, dtype, len(operands)), *casts


def dtype_of(operand: Any) -> np.dtype[Any] | None:
    """None: of a type that has no loop."""
    if isinstance(operand, types.Omitted):
        operand = operand.value
    if isinstance(operand, (int, float)):  # a default
        return np.dtype(type(operand))
    number = operand.dtype if isinstance(operand, types.Array) else types.unliteral(operand)
    if number in (types.float32, types.float64, types.boolean) or isinstance(number, types.Integer):
        return np.dtype(as_dtype(number))
    return None


def is_none(out: Any) -> bool:
    return out is None or isinstance(out, types.NoneType) or getattr(out, "value", 0) is None


def result_type(arrays: dict[str, Any], factors: dict[str, Any]) -> np.dtype[Any]:
    """That of NumPy. Beside an array all scalars are weak: Numba has one type for Python's and
    NumPy's.
    """
    operands = [*arrays.values(), *factors.values()]
    of_arrays = [dtype_of(each) for each in operands if isinstance(each, types.Array)]
    if not of_arrays:
        return np.result_type(*map(dtype_of, arrays.values()))
    scalars = [each for each in arrays.values() if not isinstance(each, types.Array)]
    return np.result_type(*of_arrays, *(WEAK[dtype_of(each).kind] for each in scalars))


@functools.cache
def loop(name: str, dtype: np.dtype[Any], count: int) -> Callable[..., Any]:
    number = from_dtype(dtype)
    formula = getattr(formulas, f"{name}_of_bools" if dtype == np.bool_ else name)
    return vectorize([number(*[number] * count)])(formula.py_func)
