"""The part of another project's module that calls every function of the C interface.

Each function takes what the ufunc of that name takes, as typed memoryviews, and out.
"""

from __future__ import annotations

from collections.abc import Iterator

from dtypes import DTYPES
from layout import GENERATED, bracketed
from operations import OPERATIONS, Operation

HEAD = f"""\
{GENERATED}
# Every function of the three files that cyrelu installs for other projects. Each function here
# takes what the ufunc of that name takes, as typed memoryviews, and out.

from cython cimport floating

from cyrelu cimport kernels, memoryviews, scalar"""


def each_function_pxi() -> str:
    functions = [text for operation in OPERATIONS for text in callers(operation)]
    return "\n\n\n".join([HEAD, *functions])


def callers(operation: Operation) -> Iterator[str]:
    yield caller("scalar", operation, 1, scalar_loop(operation))
    yield caller("kernel", operation, 1, kernel_call(operation))
    for axes, suffix in (1, ""), (2, "_2d"):
        name = f"{operation.name}{suffix}"
        call = bracketed(f"memoryviews.{name}(", in_c_order(operation, ""), ")", " " * 4)
        yield caller("memoryview", operation, axes, call, suffix)


def caller(way: str, operation: Operation, axes: int, body: str, suffix: str = "") -> str:
    view = {1: "floating[::1]", 2: "floating[:, ::1]"}[axes]
    arguments = [
        f"floating {operand.name}" if operand.is_factor else f"const {view} {operand.name}"
        for operand in operation.operands
    ]
    head = bracketed(f"def {way}_{operation.name}{suffix}(", [*arguments, f"{view} out"], "):")
    return f"{head}\n{body}"


def scalar_loop(operation: Operation) -> str:
    operands = [
        operand.name if operand.is_factor else f"{operand.name}[i]"
        for operand in operation.operands
    ]
    return "\n".join(
        [
            "    cdef Py_ssize_t i",
            "    with nogil:",
            "        for i in range(out.shape[0]):",
            bracketed(f"out[i] = scalar.{operation.name}(", operands, ")", " " * 12),
        ]
    )


def kernel_call(operation: Operation) -> str:
    lines = ["    with nogil:"]
    for number, dtype in enumerate(DTYPES):
        last = number == len(DTYPES) - 1
        word = "if" if number == 0 else "elif"
        lines.append("        else:" if last else f"        {word} floating is {dtype.c_type}:")
        arguments = in_c_order(operation, "[0]")
        lines.append(
            bracketed(f"kernels.{operation.name}_{dtype.suffix}(", arguments, ")", " " * 12)
        )
    return "\n".join(lines)


def in_c_order(operation: Operation, first: str) -> list[str]:
    """The arguments of memoryviews.pxd, or, with the first elements, of kernels.pxd."""
    arrays = [array.name for array in operation.arrays] + ["out"]
    if first:
        arrays = [f"&{name}{first}" for name in arrays] + ["out.shape[0]"]
    return [*arrays, *(factor.name for factor in operation.factors)]
