"""Says of a failed call what NumPy's ufunc machinery leaves open: which argument was wrong.

Nothing here runs unless a call has already failed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_EXPECTED_INPUT = (
    "expected float32, float64 or a type that NumPy casts to them safely (bool, integers, float16)"
)


def explained(
    error: Exception, function: str, inputs: dict[str, Any], out: Any, dtype: Any, casting: Any
) -> Exception | None:
    """Return an error that names function, argument, what came and what was expected.

    None where the cause is not one of the known ones, or where a type with an
    ``__array_ufunc__`` of its own raised: then NumPy's or its words stand.
    """
    outputs = out if isinstance(out, tuple) else (out,)
    if any(map(_overrides, (*inputs.values(), *outputs))):
        return None
    try:
        arrays = {name: np.asanyarray(value) for name, value in inputs.items()}
    except Exception:  # whatever the argument's own __array__ raises is not ours to explain
        return None
    problem = (
        _wrong_input(arrays)
        or _wrong_dtype(dtype)
        or _wrong_output(arrays, outputs, dtype or _result_type(inputs), casting)
        or _wrong_shapes(arrays)
    )
    # A cause that does not fit what NumPy raised would mislead more than it helps.
    if problem is None or not isinstance(error, problem[0]):
        return None
    kind, words = problem
    return kind(f"{function}: {words}")


_Problem = tuple[type[Exception], str] | None


def _overrides(value: Any) -> bool:
    """Whether its type answers ufuncs by itself, or refuses them (None)."""
    numpys = np.ndarray.__array_ufunc__
    return getattr(type(value), "__array_ufunc__", numpys) is not numpys


def _wrong_input(arrays: dict[str, np.ndarray]) -> _Problem:
    for name, array in arrays.items():
        if not np.can_cast(array.dtype, np.float64):
            return TypeError, f"{name} has dtype {array.dtype}; {_EXPECTED_INPUT}"
    return None


def _wrong_dtype(dtype: Any) -> _Problem:
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        return TypeError, f"dtype is {np.dtype(dtype)}; expected float32 or float64"
    return None


def _wrong_output(
    arrays: dict[str, np.ndarray], outputs: tuple[Any, ...], dtype: Any, casting: Any
) -> _Problem:
    """What is wrong with out for a result of this dtype."""
    if len(outputs) != 1:
        return ValueError, f"out is a tuple of {len(outputs)}; expected one array"
    (out,) = outputs
    if out is None:
        return None
    if not isinstance(out, np.ndarray):
        return TypeError, f"out is of type {type(out).__name__}; expected a numpy.ndarray"
    if not out.flags.writeable:
        return ValueError, "out is read-only; expected a writeable array"
    if not np.can_cast(dtype, out.dtype, casting):
        return TypeError, (
            f"out has dtype {out.dtype}; expected one that {np.dtype(dtype)} casts to "
            f"under casting={casting!r}"
        )
    try:
        expected = np.broadcast_shapes(*(array.shape for array in arrays.values()))
        fits = np.broadcast_shapes(expected, out.shape) == out.shape
    except ValueError:
        fits = False
    if not fits and _wrong_shapes(arrays) is None:
        return ValueError, f"out has shape {out.shape}; expected {expected}"
    return None


def _result_type(inputs: dict[str, Any]) -> np.dtype:
    """The dtype that the ufunc computes in; Python's own numbers stay weak."""
    weak = (bool, int, float)
    operands = (v if type(v) in weak else np.asanyarray(v) for v in inputs.values())
    return np.result_type(*operands, np.float32)


def _wrong_shapes(arrays: dict[str, np.ndarray]) -> _Problem:
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} has shape {array.shape}" for name, array in arrays.items())
        return ValueError, f"{shapes}; expected shapes that broadcast together"
    return None
