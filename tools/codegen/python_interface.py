"""What Python users see: the functions, their stubs, the ufuncs, the names of the package."""

from __future__ import annotations

from collections.abc import Iterator

from docstrings import KEYWORDS, docstring
from layout import GENERATED, bracketed, cimport
from operations import NEGATIVE_SLOPE, OPERANDS, OPERATIONS, Operation

# ---- api.pyx


def api_pyx() -> str:
    enumerators = [operation.enumerator for operation in OPERATIONS]
    functions = "\n\n\n".join(function(operation) for operation in OPERATIONS)
    return f"""\
# cython: binding=False
{GENERATED}
# The public functions: their signatures and what they promise. How a call is done is in call.pyx,
# the formulas are in scalar.pxd.
#
# They are built-in functions, as NumPy's are: an attribute of a class does not become a method, and
# help() and inspect read the signature from the head of the docstring. There out is None by
# default, and NOT_GIVEN in the code: NumPy warns of where= without out, unless the caller wrote
# out=None.

{cimport("cyrelu._loops.operations", [*enumerators, "OUT"])}
from cyrelu._numpy.call cimport Borrowed, call, check_slope
from cyrelu._numpy.ufunc_calls cimport NOT_GIVEN, Keywords, are_defaults


{functions}


for function in list(globals().values()):
    if getattr(function, "__module__", None) == __name__:
        function.__module__ = "cyrelu"  # where users find it, in repr, help and pickles
del function"""


def arguments(operation: Operation, default_out: str) -> list[str]:
    return [
        *(array.name for array in operation.arrays),
        "/",
        *(f"{factor.name}={factor.default}" for factor in operation.factors_before_out),
        f"out={default_out}",
        "*",
        *(f"{factor.name}={factor.default}" for factor in operation.factors_after_out),
        *(["from_output=False"] if operation.from_output else []),
        *KEYWORDS,
    ]


def function(operation: Operation) -> str:
    given = [
        f"<Borrowed> {each.name}" if each in operation.operands else "NULL" for each in OPERANDS
    ]
    keywords = [keyword.partition("=")[0] for keyword in KEYWORDS]
    borrowed = [f"<Borrowed> {keyword}" for keyword in keywords]
    return "\n".join(
        [
            bracketed(f"def {operation.name}(", arguments(operation, "NOT_GIVEN"), "):"),
            docstring(operation, f"{operation.name}({', '.join(arguments(operation, 'None'))})"),
            *at_zero_of_output(operation),
            bracketed("cdef Borrowed[OUT] given = [", given, "]", " " * 4),
            "    cdef Keywords keywords",
            f"    if are_defaults({', '.join(keywords)}):",
            f"        return call({operation.enumerator}, given, out, NULL)",
            bracketed("keywords = Keywords(", borrowed, ")", " " * 4),
            f"    return call({operation.enumerator}, given, out, &keywords)",
        ]
    )


def at_zero_of_output(operation: Operation) -> list[str]:
    """The lines that let at_zero be what it is where x is the output of the forward pass."""
    value = operation.from_output
    if value is None:
        return []
    if value == NEGATIVE_SLOPE.name:
        value = f"check_slope({operation.enumerator}, {value})"
    return ["    if from_output:", f"        at_zero = {value}"]


# ---- __init__.py

OTHER_NAMES = ["__version__", "dead_units", "prelu_backward", "ufuncs"]
CONFIG_NAMES = ["empty_cache", "get_num_threads", "num_threads", "set_num_threads", "show_config"]


def init_py() -> str:
    functions = sorted(operation.name for operation in OPERATIONS)
    imported = "\n".join(f"    {name}," for name in functions)
    exported = "\n".join(
        f'    "{name}",' for name in sorted([*functions, *CONFIG_NAMES, *OTHER_NAMES])
    )
    return f"""\
{GENERATED}
\"\"\"ReLU and Leaky ReLU for NumPy: compiled, exact, threaded, with their gradients.\"\"\"

from cyrelu import ufuncs
from cyrelu._numpy.api import (
{imported}
)
from cyrelu._numpy.dead_units import dead_units
from cyrelu._numpy.prelu import prelu_backward
from cyrelu._version import __version__
from cyrelu.config import {", ".join(CONFIG_NAMES)}

__all__ = [
{exported}
]"""


# ---- ufuncs.py


def ufuncs_py() -> str:
    signatures = ",\n".join(
        f"``{operation.name}({', '.join(operand.name for operand in operation.operands)})``"
        for operation in OPERATIONS
    )
    names = [operation.name for operation in OPERATIONS]
    ufuncs = "\n".join(f'{name}: _ufunc = _by_name["{name}"]' for name in names)
    exported = "\n".join(f'    "{name}",' for name in sorted(names))
    return f"""\
{GENERATED}
\"\"\"The NumPy ufuncs behind the functions of `cyrelu`.

Their inputs are positional:
{signatures}.
They have no defaults for the factors; otherwise the functions give the same results sooner.
\"\"\"

from numpy import ufunc as _ufunc

from cyrelu._numpy.ufuncs import by_name as _by_name

{ufuncs}

__all__ = [
{exported}
]"""


# ---- api.pyi

API_PYI = f"""\
{GENERATED}
# Overloads, in the order in which they are tried: out given, array in, scalar in, anything else
# (lists, bfloat16, pandas, xarray, dask: their own types or NumPy's, known at run time only).
# A factor that is an array makes the result an array too, so it leads to the last; a slope that
# is a NumPy scalar is not weak (a float64, though a float, widens float32), so it goes first.

from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_Float = TypeVar("_Float", np.float16, np.float32, np.float64)
_Integer = np.bool | np.integer[Any]
_Number = TypeVar("_Number", bound=np.bool | np.integer[Any] | np.float16 | np.float32 | np.float64)
_Out = TypeVar("_Out", bound=np.ndarray[Any, Any])

_Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order = Literal["K", "A", "C", "F"]

"""


def api_pyi() -> str:
    return API_PYI + "\n".join(stub for operation in OPERATIONS for stub in overloads(operation))


def overloads(operation: Operation) -> Iterator[str]:
    given = "_Out | tuple[_Out]"
    if operation.factors_before_out:  # out follows them by position, or is given by keyword alone
        yield overload(operation, "Any", "_Out", out=given, out_is_keyword=True)
        yield overload(operation, "Any", "_Out", before_out="ArrayLike", out=given)
        yield overload(operation, "Any", "Any", before_out="np.generic")
    else:
        yield overload(operation, "Any", "_Out", out=given)
    if operation.takes_integers:
        yield overload(operation, "NDArray[_Number]", "NDArray[_Number]", factor="float")
        yield overload(operation, "_Number", "_Number", factor="float", overlaps=True)
        yield overload(operation, "bool", "np.bool", factor="float", overlaps=True)
        yield overload(operation, "int", "np.int64", factor="float", overlaps=True)
    else:
        yield overload(operation, "NDArray[_Float]", "NDArray[_Float]", factor="float")
        yield overload(operation, "NDArray[_Integer]", "NDArray[np.float64]", factor="float")
        yield overload(operation, "_Float", "_Float", factor="float")
        yield overload(operation, "_Integer", "np.float64", factor="float")
    yield overload(operation, "float", "np.float64", factor="float")
    yield overload(operation, "Any", "Any")


def overload(
    operation: Operation,
    array: str,
    result: str,
    *,
    factor: str = "ArrayLike",
    before_out: str | None = None,
    out: str = "None = None",
    out_is_keyword: bool = False,
    overlaps: bool = False,
) -> str:
    arguments = [f"{each.name}: {array}" for each in operation.arrays] + ["/"]
    arguments += [
        f"{each.name}: {before_out or f'{factor} = {each.default}'}"
        for each in operation.factors_before_out
    ]
    arguments += ["*", f"out: {out}"] if out_is_keyword else [f"out: {out}", "*"]
    arguments += [f"{each.name}: {factor} = {each.default}" for each in operation.factors_after_out]
    arguments += ["from_output: bool = False"] if operation.from_output else []
    arguments += [
        "where: ArrayLike = True",
        'casting: _Casting = "same_kind"',
        'order: _Order = "K"',
        f"dtype: {'DTypeLike | None' if factor == 'ArrayLike' else 'None'} = None",
        "subok: bool = True",
    ]
    body = "".join(f"    {argument},\n" for argument in arguments)
    ignored = "  # type: ignore[overload-overlap]" if overlaps else ""  # of Python's numbers
    return f"@overload\ndef {operation.name}({ignored}\n{body}) -> {result}: ..."
