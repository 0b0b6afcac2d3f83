"""Which dtype a call has, by the rules of the Python functions, and the loop that computes it.

What is compiled here has flags of its own: it is kept for all callers, and Numba would compile it
with those of the first, fastmath among them.
"""

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

import cyrelu
from cyrelu._numba import formulas

WEAK = {"i": int, "u": int, "f": float}  # as NumPy calls the numbers of Python, by kind


def resolve(name: str, arrays: dict[str, Any], factors: dict[str, Any], out: Any) -> list[Any]:
    """The loop for these operands, and for each the function of it and out that prepares it."""
    operands = {**arrays, **factors}
    for argument, operand in operands.items():
        if dtype_of(operand) is None:
            raise TypingError(
                f"cyrelu.{name}: {argument} is {operand}; expected an array or a number of "
                "float32, float64, bool or an integer type"
            )
    dtype = result_type(name, arrays, factors)
    writes = not is_none(out)
    if writes:
        check_out(name, list(operands.values()), out, dtype)
    found = [loop(name, dtype)]
    for argument, operand in operands.items():
        if not is_array(operand):
            found.append(convert_to(from_dtype(dtype)))
        else:
            found.append(check_beside_out(name, argument) if writes else pass_on)
    return found


def check_out(name: str, operands: list[Any], out: Any, dtype: np.dtype[Any]) -> None:
    ndim = max((each.ndim for each in operands if is_array(each)), default=0)
    fits = is_array(out) and as_dtype(out.dtype) == dtype and out.mutable
    if not fits or out.ndim < ndim:
        raise TypingError(
            f"cyrelu.{name}: out is {out}; expected None or a writeable array of {dtype} with "
            f"{ndim} or more dimensions"
        )


def is_array(operand: Any) -> bool:
    return isinstance(operand, types.Array)


def is_none(out: Any) -> bool:
    return out is None or isinstance(out, types.NoneType) or getattr(out, "value", 0) is None


def dtype_of(operand: Any) -> np.dtype[Any] | None:
    """None: of a type that has no loop."""
    if isinstance(operand, types.Omitted):
        operand = operand.value
    if isinstance(operand, (int, float)):  # a default
        return np.dtype(type(operand))
    number = operand.dtype if is_array(operand) else types.unliteral(operand)
    if number in (types.float32, types.float64, types.boolean) or isinstance(number, types.Integer):
        return np.dtype(as_dtype(number))
    return None


def result_type(name: str, arrays: dict[str, Any], factors: dict[str, Any]) -> np.dtype[Any]:
    """That of the ufunc. Beside an array all scalars are weak, and factors beside other scalars:
    Numba has one type for Python's and NumPy's.
    """
    operands = {**arrays, **factors}
    strong = {argument for argument, each in operands.items() if is_array(each)} or arrays.keys()
    dtypes = {argument: dtype_of(each) for argument, each in operands.items()}
    given = [
        dtype if argument in strong else WEAK.get(dtype.kind, dtype)
        for argument, dtype in dtypes.items()
    ]
    return getattr(cyrelu.ufuncs, name).resolve_dtypes((*given, None))[-1]


@functools.cache
def loop(name: str, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """The formula's, for arrays that broadcast. Bools are the numbers 0 and 1; true is not 0."""
    number = from_dtype(dtype)
    computed = types.uint8 if number == types.boolean else number
    formula = formulas_of(computed)[name]
    operands = [number if each == computed else each for each in formula.signature.args]
    return vectorize([number(*operands)], fastmath=False)(formula.py_func)


@functools.cache
def formulas_of(number: types.Number) -> dict[str, Any]:
    of_type = formulas.floats if isinstance(number, types.Float) else formulas.integers
    return of_type(number)


@functools.cache
def convert_to(number: types.Type) -> Callable[..., Any]:
    make = bool if number == types.boolean else number

    @njit(fastmath=False)
    def convert(operand, out):
        return make(operand)

    return convert


@njit(fastmath=False)
def pass_on(operand, out):
    return operand


@functools.cache
def check_beside_out(name: str, argument: str) -> Callable[..., Any]:
    message = f"cyrelu.{name}: {argument} does not broadcast to the shape of out"

    @njit(fastmath=False)
    def check(operand, out):
        """Numba would read beyond an array that does not broadcast to out."""
        shape, out_shape = (1, *operand.shape), (1, *out.shape)  # Numba cannot zip empty tuples
        for size, expected in zip(shape[::-1], out_shape[::-1]):  # noqa: B905
            if size not in (1, expected):
                raise ValueError(message)
        return apart_from(operand, out)

    return check


@njit(fastmath=False)
def apart_from(operand, out):
    """The operand, or a copy where Numba would read from it what it has written to out."""
    start, end = extent(operand)
    out_start, out_end = extent(out)
    is_apart = end <= out_start or out_end <= start
    is_out = start == out_start and operand.shape == out.shape and operand.strides == out.strides
    return operand if is_apart or is_out else operand.copy()


@njit(fastmath=False)
def extent(array):
    """The first address of its memory, and the one behind the last."""
    start = end = np.intp(array.ctypes.data)
    for size, stride in zip((1, *array.shape), (0, *array.strides)):  # noqa: B905
        start += min(0, (size - 1) * stride)
        end += max(0, (size - 1) * stride)
    return start, end + array.itemsize
