"""The parts of another project's modules that call every function of the C interface.

Each function takes what the ufunc of that name takes, as typed memoryviews, and out.
"""

from __future__ import annotations

from collections.abc import Iterator

from c_interface import MOST_AXES, SIGNED, arrays_of_rows, factors_of_rows, kernel_dtypes
from dtypes import FLOATS, Dtype
from layout import GENERATED, bracketed
from operations import OPERANDS, OPERATIONS, Operand, Operation

HEAD = f"""\
{GENERATED}
# Every function of the three files that cyrelu installs for other projects. Each function here
# takes what the ufunc of that name takes, as typed memoryviews, and out.

from cython cimport floating
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cyrelu cimport kernels, memoryviews, scalar"""


def each_function_pxi() -> str:
    functions = [text for operation in OPERATIONS for text in callers(operation)]
    return "\n\n\n".join([HEAD, *functions])


def callers(operation: Operation) -> Iterator[str]:
    yield caller("scalar", operation, 1, scalar_loop(operation))
    yield caller("kernel", operation, 1, kernel_call(operation))
    call = bracketed(f"memoryviews.{operation.name}(", in_c_order(operation, ""), ")", " " * 4)
    for axes in range(1, MOST_AXES + 1):
        yield caller("memoryview", operation, axes, call)
    if operation.factor_row:
        yield caller("memoryview", operation, 2, call, row=operation.factor_row)
    elif operation.array_row:
        rows = call.replace(f"{operation.name}(", f"{operation.name}_rows(")
        yield caller("memoryview", operation, 2, rows, row=operation.row)
    for dtype in kernel_dtypes(operation):
        if dtype not in FLOATS:
            yield typed_caller(operation, dtype, "kernel", typed_kernel_call(operation, dtype))
        if dtype in SIGNED:
            yield typed_caller(operation, dtype, "memoryview", call)
        if operation.row:
            yield rows_caller(operation, operation.row, dtype)


def typed_caller(operation: Operation, dtype: Dtype, way: str, body: str) -> str:
    arguments = [f"const {dtype.c_type}[::1] {array.name}" for array in operation.arrays]
    arguments += [f"{dtype.factor_type} {factor.name}" for factor in operation.factors]
    arguments += [f"{dtype.c_type}[::1] out"]
    return bracketed(f"def {way}_{operation.name}_{dtype.suffix}(", arguments, "):") + f"\n{body}"


def typed_kernel_call(operation: Operation, dtype: Dtype) -> str:
    head = f"kernels.{operation.name}_{dtype.suffix}("
    call = bracketed(head, in_c_order(operation, "[0]"), ")", " " * 8)
    return f"    with nogil:\n{call}"


def rows_caller(operation: Operation, row: Operand, dtype: Dtype) -> str:
    """A function of flat arrays, and of one row of that operand."""
    factors = factors_of_rows(operation)
    arguments = [
        f"{dtype.factor_type} {each.name}"
        if each in factors
        else f"const {dtype.c_type}[::1] {each.name}"
        for each in operation.operands
    ]
    head = f"def kernel_{operation.name}_rows_{dtype.suffix}("
    passed = [f"&{each.name}[0]" for each in arrays_of_rows(operation)]
    passed += ["&out[0]", f"out.shape[0] // {row.name}.shape[0]", f"{row.name}.shape[0]"]
    passed += [factor.name for factor in factors]
    kernel = f"kernels.{operation.name}_rows_{dtype.suffix}("
    call = bracketed(kernel, passed, ")", " " * 8)
    signature = bracketed(head, [*arguments, f"{dtype.c_type}[::1] out"], "):")
    return f"{signature}\n    with nogil:\n{call}"


# ---- loops of the consumer's own, with each kind of factor

LOOPS_HEAD = f"""\
# cython: boundscheck=False, wraparound=False
{GENERATED}
# A loop over every formula of cyrelu's scalar.pxd, with each way to write its factors. Compilers
# vectorise them without special flags: tools/vectorization.py asks them.

from cyrelu cimport scalar"""
# What stands in the source for each factor, OTHER_LITERALS for those that are not here; a parameter
# has a C type instead.
LITERALS = {
    "literal": {"negative_slope": "0.01", "at_zero": "0.5"},
    "negative_literal": {"negative_slope": "-0.3", "at_zero": "-0.5"},
    "int_literal": {"negative_slope": "2", "at_zero": "0"},
}
OTHER_LITERALS = {"literal": "0.75", "negative_literal": "-0.75", "int_literal": "3"}
PARAMETERS = {"float_parameter": "float", "double_parameter": "double"}


def own_loop_name(operation: Operation, kind: str, dtype: Dtype) -> str:
    return "_".join([operation.name, *([kind] if operation.factors else []), dtype.suffix])


def factor_kinds(operation: Operation) -> list[str]:
    return [*LITERALS, *PARAMETERS] if operation.factors else [""]


def own_loops_pyx() -> str:
    loops = [
        own_loop(operation, kind, dtype)
        for operation in OPERATIONS
        for kind in factor_kinds(operation)
        for dtype in FLOATS
    ]
    return "\n\n\n".join([LOOPS_HEAD, *loops])


def own_loop(operation: Operation, kind: str, dtype: Dtype) -> str:
    def passed(operand: Operand) -> str:
        if not operand.is_factor:
            return f"{operand.name}[i]"
        if kind in PARAMETERS:
            return operand.name
        return LITERALS[kind].get(operand.name, OTHER_LITERALS[kind])

    arguments = [f"const {dtype.c_type}[::1] {array.name}" for array in operation.arrays]
    arguments += [
        f"{PARAMETERS[kind]} {factor.name}" for factor in operation.factors if kind in PARAMETERS
    ]
    arguments += [f"{dtype.c_type}[::1] out"]
    head = bracketed(f"def {own_loop_name(operation, kind, dtype)}(", arguments, "):")
    return f"{head}\n{loop_over(operation, [passed(operand) for operand in operation.operands])}"


def caller(way: str, operation: Operation, axes: int, body: str, row: Operand | None = None) -> str:
    view = f"floating[{':, ' * (axes - 1)}::1]"
    suffix = f"_row_of_{row.name}" if row else f"_{axes}d" if axes > 1 else ""
    types = {operand: "floating" if operand.is_factor else f"const {view}" for operand in OPERANDS}
    if row:
        types[row] = "const floating[::1]"
    arguments = [f"{types[operand]} {operand.name}" for operand in operation.operands]
    head = bracketed(f"def {way}_{operation.name}{suffix}(", [*arguments, f"{view} out"], "):")
    return f"{head}\n{body}"


def scalar_loop(operation: Operation) -> str:
    operands = [
        operand.name if operand.is_factor else f"{operand.name}[i]"
        for operand in operation.operands
    ]
    return loop_over(operation, operands)


def loop_over(operation: Operation, operands: list[str]) -> str:
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
    for number, dtype in enumerate(FLOATS):
        last = number == len(FLOATS) - 1
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
