"""What prelu_backward takes, and how its slopes divide an array into groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cyrelu._numpy.resolution import bfloat16, with_numbers_of_bfloat16

_ARRAYS = (np.ndarray, np.memmap)
_OTHERS = (np.generic, int, float, complex, list, tuple)


def checked_array(name: str, value: Any) -> Any:
    """Return an operand as it is, a list as an array; refuse the arrays of other packages."""
    if type(value) in _ARRAYS or isinstance(value, _OTHERS):
        return np.asarray(value) if isinstance(value, (list, tuple)) else value
    kind = type(value)
    raise TypeError(
        f"prelu_backward: {name} is of type {kind.__module__}.{kind.__qualname__}; expected a "
        f"numpy.ndarray, as of np.asarray({name}), or a number"
    )


def check_at_zero(at_zero: Any) -> None:
    if np.ndim(at_zero) > 0:
        raise ValueError(
            f"prelu_backward: at_zero has shape {np.shape(at_zero)}; expected a number"
        )


def with_numbers(given: list[Any]) -> list[Any]:
    return given if bfloat16() is None else with_numbers_of_bfloat16(given)


def broadcast_shape(*operands: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(*map(np.shape, operands))


class UnusableError(TypeError, ValueError):
    """Of an out whose type, dtype, shape or flags are wrong."""


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if out is not None and not (
        type(out) in _ARRAYS
        and out.shape == shape
        and out.flags.writeable
        and np.can_cast(dtype, out.dtype, "same_kind")
    ):
        raise UnusableError(f"prelu_backward: out is {out!r:.100}; expected an array of {shape}")


def grouped(
    shape: tuple[int, ...], slopes: tuple[int, ...]
) -> tuple[np.ndarray[Any, Any], int, int]:
    """Divide an array of this shape into groups of rows of columns, each column with its own slope.

    Return where in the flat slopes those of each group begin, the rows of a group and its columns.
    Only the shapes decide: the last axes along which the slopes differ are the columns, those
    before along which they do not are the rows, and all others number the groups.
    """
    sides = (1,) * (len(shape) - len(slopes)) + slopes
    differ = [side != 1 for side in sides]
    first_column = len(shape)
    while first_column > 0 and (differ[first_column - 1] or shape[first_column - 1] == 1):
        first_column -= 1
    first_row = first_column
    while first_row > 0 and not differ[first_row - 1]:
        first_row -= 1
    columns = math.prod(sides[first_column:])
    outer = np.arange(math.prod(sides[:first_row]), dtype=np.intp) * columns
    outer = np.broadcast_to(outer.reshape(sides[:first_row]), shape[:first_row])
    rows = math.prod(shape[first_row:first_column])
    return np.ascontiguousarray(outer).reshape(-1), rows, columns
