"""What prelu_backward takes."""

from __future__ import annotations

from typing import Any

import numpy as np

_ARRAYS = (np.ndarray, np.memmap)
_OTHERS = (np.generic, int, float, complex, list, tuple)


def check_array(name: str, value: Any) -> Any:
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
