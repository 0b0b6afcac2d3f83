"""The dtypes in which NumPy computes a call, found without computing anything."""

from __future__ import annotations

from typing import Any

import numpy as np

ARRAYS_AND_NUMBERS = (np.ndarray, np.generic, int, float, complex)
WEAK = (int, float)  # Python numbers take the dtype of the arrays beside them, a bool does not


def resolve(ufunc: np.ufunc, inputs: list[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """Return the dtypes of the inputs and of the output, for this dtype= of the ufunc.

    Raise an error of any type for an input whose dtype is not known, and where there is no loop.
    """
    signature = (*[None] * len(inputs), None if dtype is None else as_dtype(dtype))
    return ufunc.resolve_dtypes((*map(_dtype_of, inputs), None), signature=signature)


# Not those that other packages have added there, as ml_dtypes does when it is imported.
NUMPY_TYPES = frozenset(each for each in np.sctypeDict.values() if np.dtype(each).isbuiltin == 1)


def is_refused(scalar_type: type, ml_types: list[type]) -> bool:
    """Whether it is the type of a dtype that is not NumPy's, nor among these: float8, int4, ..."""
    return (
        issubclass(scalar_type, np.generic)
        and scalar_type not in NUMPY_TYPES
        and scalar_type not in ml_types
    )


def promote_dtypes(
    dtypes: list[Any], nin: int, takes_integers: bool, takes_bools: bool, ml_types: list[type]
) -> list[Any]:
    """Return the classes of dtypes in which a ufunc computes, for those of its operands.

    None is an output that nobody has asked for. What is returned as it came, NumPy promotes.
    """
    inputs, outputs = dtypes[:nin], dtypes[nin:]
    if outputs != [None]:
        return outputs * len(dtypes) if outputs[0].type in ml_types else dtypes
    # In a reduction, the dtype of the first operand is that of the result, and not known yet.
    types = [each.type for each in inputs if each is not None]
    strong = [each for each in types if each not in WEAK]
    if any(is_refused(each, ml_types) for each in strong):
        raise TypeError("no loop for a dtype of a package other than NumPy")
    ml_type = common_ml_type(strong, ml_types)
    if ml_type is not None:
        # NumPy takes Python numbers for strong ones beside dtypes that are not its own.
        return [type(np.dtype(ml_type))] * len(dtypes)
    if takes_integers and not takes_bools and types == strong and {*strong} == {np.bool}:
        raise TypeError("no loop for bools alone")  # for which NumPy would take that of int8
    all_integers = all(issubclass(each, (np.integer, np.bool)) for each in strong)
    if all_integers and (float in types or not takes_integers):
        # NumPy would find float16 for integers of 8 bits, and float32 for those of 16.
        return [type(np.dtype(np.float64))] * len(dtypes)
    return dtypes


def common_ml_type(types: list[type], ml_types: list[type]) -> type | None:
    """Return the type among these of ml_dtypes to which all types of scalars cast safely."""
    for ml_type in ml_types:
        if ml_type in types and all(np.can_cast(each, np.dtype(ml_type)) for each in types):
            return ml_type
    return None


def with_ml_numbers(inputs: list[Any], ml_types: list[type]) -> list[Any]:
    """Return the inputs with Python numbers as those of ml_dtypes, where they compute in these.

    Under casting="safe" NumPy casts none that is not weak to it.
    """
    strong = [each.dtype.type for each in inputs if isinstance(each, (np.ndarray, np.generic))]
    number = common_ml_type(strong, ml_types)
    if number is None:
        return inputs
    try:
        return [number(float(each)) if type(each) in WEAK else each for each in inputs]
    except OverflowError:  # an integer beyond float64, which NumPy refuses in its own words
        return inputs


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
