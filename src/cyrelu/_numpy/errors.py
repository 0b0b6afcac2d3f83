"""Explains a failed call: which argument was wrong, which NumPy's ufunc machinery leaves open.

Nothing here runs unless a call has already failed.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

from cyrelu._numpy.resolution import (
    ARRAYS_AND_NUMBERS,
    WEAK,
    as_dtype,
    is_refused,
    resolve,
)
from cyrelu._numpy.ufuncs import dtypes_in_words, ml_types_of_ufunc


def explain(
    error: Exception,
    ufunc: np.ufunc,
    inputs: dict[str, Any],
    out: Any,
    dtype: Any,
    casting: Any,
    function: str = "",
) -> Exception | None:
    """Return an error that names function, argument, what came and what was expected.

    None where the cause is not one of the known ones.
    """
    try:
        problem = _problem(ufunc, inputs, out, dtype, casting)
    except Exception:  # an error that an argument raises on inspection is not ours to explain
        return None
    # A cause that does not fit what NumPy raised would mislead more than it helps.
    if problem is None or not isinstance(error, problem[0]):
        return None
    kind, words = problem
    return kind(f"{function or ufunc.__name__}: {words}")


_Problem = tuple[type[Exception], str] | None


def _problem(
    ufunc: np.ufunc, inputs: dict[str, Any], out: Any, dtype: Any, casting: Any
) -> _Problem:
    outputs = out if type(out) is tuple else (out,)  # as NumPy: a subclass is an output
    # What any other object is, its __array__ says, which is not asked a second time.
    known = {name: v for name, v in inputs.items() if isinstance(v, ARRAYS_AND_NUMBERS)}
    arrays = {name: np.asanyarray(value) for name, value in known.items()}
    strong = {name: array for name, array in arrays.items() if type(inputs[name]) not in WEAK}
    wanted = None if dtype is None else as_dtype(dtype)
    problem = _wrong_input(ufunc, strong) or _wrong_dtype(ufunc, wanted)
    if problem or len(known) < len(inputs):
        return problem or _wrong_output(outputs, wanted, casting)
    result = resolve(ufunc, list(inputs.values()))[-1] if wanted is None else wanted
    return (
        _wrong_cast(strong, wanted, casting)
        or _wrong_output(outputs, result, casting)
        or _wrong_shapes(arrays)
        or _wrong_output_shape(arrays, outputs[0])
        # Last: an integer too large for int64 is an object by itself only.
        or _wrong_input(ufunc, arrays)
    )


def _wrong_input(ufunc: np.ufunc, arrays: dict[str, np.ndarray]) -> _Problem:
    floats = dtypes_in_words(ufunc.__name__)[1]
    expected = _listed(["bool", "an integer type", *floats])
    for name, array in arrays.items():
        if array.dtype.char == "g":
            return TypeError, (
                f"{name} has dtype {array.dtype} (np.longdouble), whose format differs between "
                f"platforms and which no processor computes with in vectors; expected "
                f"{expected}: {name}.astype(np.float64)"
            )
        refused = is_refused(array.dtype.type, ml_types_of_ufunc(ufunc.__name__))
        if refused or not np.can_cast(array.dtype, np.float64):
            return TypeError, f"{name} has dtype {array.dtype}; expected {expected}"
    return None


def _wrong_dtype(ufunc: np.ufunc, dtype: np.dtype | None) -> _Problem:
    if dtype is None or dtype.type in ml_types_of_ufunc(ufunc.__name__):
        return None
    if dtype in {np.dtype(each[-1]) for each in ufunc.types}:  # byte-swapped ones are not
        return None
    return TypeError, f"dtype is {dtype}; expected {_listed(dtypes_in_words(ufunc.__name__)[0])}"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _wrong_cast(arrays: dict[str, np.ndarray], dtype: np.dtype | None, casting: Any) -> _Problem:
    """What is wrong with an input where dtype= was given."""
    for name, array in arrays.items():
        if dtype is not None and not np.can_cast(array.dtype, dtype, casting):
            return TypeError, (
                f"{name} has dtype {array.dtype}; expected one that casts to dtype={dtype} under "
                f"casting={casting!r}"
            )
    return None


def _wrong_output(outputs: tuple[Any, ...], dtype: np.dtype | None, casting: Any) -> _Problem:
    """What is wrong with out, its shape aside, for a result of this dtype (None: unknown)."""
    if len(outputs) != 1:
        return ValueError, f"out is a tuple of {len(outputs)}; expected one array"
    (out,) = outputs
    if out is None:
        return None
    if not isinstance(out, np.ndarray):
        return TypeError, f"out is of type {type(out).__name__}; expected a numpy.ndarray"
    if not out.flags.writeable:
        return ValueError, "out is read-only; expected a writeable array"
    if dtype is not None and not np.can_cast(dtype, out.dtype, casting):
        return TypeError, (
            f"out has dtype {out.dtype}; expected one that {dtype} casts to "
            f"under casting={casting!r}"
        )
    return None


def _wrong_output_shape(arrays: dict[str, np.ndarray], out: Any) -> _Problem:
    expected = _broadcast(*(array.shape for array in arrays.values()))
    if out is not None and expected is not None and _broadcast(expected, out.shape) != out.shape:
        return ValueError, f"out has shape {out.shape}; expected {expected}"
    return None


def _wrong_shapes(arrays: dict[str, np.ndarray]) -> _Problem:
    if _broadcast(*(array.shape for array in arrays.values())) is None:
        shapes = ", ".join(f"{name} has shape {array.shape}" for name, array in arrays.items())
        return ValueError, f"{shapes}; expected shapes that broadcast together"
    return None


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """np.broadcast_shapes without its limits: it raises above 32 dimensions and 2**63 bytes."""
    axes = zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
    sides = [{*axis} - {1} or {1} for axis in axes]
    if any(len(side) > 1 for side in sides):
        return None
    return tuple(side.pop() for side in reversed(sides))
