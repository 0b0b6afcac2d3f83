"""What Python users see: the stubs of the functions."""

from __future__ import annotations

from collections.abc import Iterator

from operations import AT_ZERO, NEGATIVE_SLOPE, OPERATIONS, Operation

API_PYI = """\
# Overloads, in the order in which they are tried: out given, array in, scalar in, anything else
# (lists, integer arrays, pandas, xarray, dask: their own types or NumPy's, known at run time only).
# A factor that is an array makes the result an array too, so it leads to the last; a slope that
# is a NumPy scalar is not weak (a float64, though a float, widens float32), so it goes first.

from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_Float = TypeVar("_Float", np.float32, np.float64)
_Out = TypeVar("_Out", bound=np.ndarray[Any, Any])

_Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order = Literal["K", "A", "C", "F"]

"""


def api_pyi() -> str:
    return API_PYI + "\n".join(stub for operation in OPERATIONS for stub in overloads(operation))


def overloads(operation: Operation) -> Iterator[str]:
    given = "_Out | tuple[_Out]"
    if NEGATIVE_SLOPE in operation.operands:  # then out follows by position, or by keyword alone
        yield overload(operation, "Any", "_Out", out=given, out_is_keyword=True)
        yield overload(operation, "Any", "_Out", slope="ArrayLike", out=given)
        yield overload(operation, "Any", "Any", slope="np.generic")
    else:
        yield overload(operation, "Any", "_Out", out=given)
    yield overload(operation, "NDArray[_Float]", "NDArray[_Float]", factor="float")
    yield overload(operation, "_Float", "_Float", factor="float")
    yield overload(operation, "float", "np.float64", factor="float")
    yield overload(operation, "Any", "Any")


def overload(
    operation: Operation,
    array: str,
    result: str,
    *,
    factor: str = "ArrayLike",
    slope: str | None = None,
    out: str = "None = None",
    out_is_keyword: bool = False,
) -> str:
    arguments = [f"{each.name}: {array}" for each in operation.arrays] + ["/"]
    if NEGATIVE_SLOPE in operation.operands:
        arguments.append(f"negative_slope: {slope or f'{factor} = {NEGATIVE_SLOPE.default}'}")
    arguments += ["*", f"out: {out}"] if out_is_keyword else [f"out: {out}", "*"]
    if AT_ZERO in operation.operands:
        arguments.append(f"at_zero: {factor} = {AT_ZERO.default}")
    arguments += [
        "where: ArrayLike = True",
        'casting: _Casting = "same_kind"',
        'order: _Order = "K"',
        f"dtype: {'DTypeLike | None' if factor == 'ArrayLike' else 'None'} = None",
        "subok: bool = True",
    ]
    body = "".join(f"    {argument},\n" for argument in arguments)
    return f"@overload\ndef {operation.name}(\n{body}) -> {result}: ..."
