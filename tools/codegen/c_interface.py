"""What Cython and C users see: kernels.pxd, kernels.pyx, memoryviews.pxd, the list of the ABI."""

from __future__ import annotations

from dtypes import DTYPES, Dtype
from layout import GENERATED, bracketed, cimport, condition
from operations import OPERANDS, OPERATIONS, Operand, Operation

# ---- kernels: the dispatcher under plain names and pointers

KERNELS_PXD = f"""\
{GENERATED}
# The kernels for other Cython projects, linked when their modules are imported:
#
#     from cyrelu.kernels cimport relu_f32
#
# Each runs over n elements: nothing for n <= 0. Arrays are contiguous and aligned to their
# elements; out may be x or grad itself. They dispatch, thread and stream as the Python functions
# do, with and without the GIL; inside the caller's own parallel region they use its thread alone.
# Nothing is raised. Names and types are final: docs/cython.md says what that means.

"""


def kernels_pxd() -> str:
    return KERNELS_PXD + "\n\n".join(
        "\n".join(kernel_head(operation, dtype) for dtype in DTYPES) for operation in OPERATIONS
    )


def kernels_pyx() -> str:
    operands = [operand.enumerator for operand in OPERANDS]
    operations = [operation.enumerator for operation in OPERATIONS]
    dtypes = [dtype.enumerator for dtype in DTYPES]
    pointers = ",\n".join(f"    const void* {operand.name}" for operand in OPERANDS)
    data = "\n".join(
        f"    operands.data[{operand.enumerator}] = <char*> {operand.name}" for operand in OPERANDS
    )
    strides = "\n".join(
        f"    operands.stride[{operand.enumerator}] = item if {operand.name} != NULL else 0"
        for operand in OPERANDS
        if not operand.is_factor
    )
    kernels = "\n\n\n".join(
        kernel_head(operation, dtype, ":") + "\n" + kernel_body(operation, dtype)
        for operation in OPERATIONS
        for dtype in DTYPES
    )
    return f"""\
{GENERATED}
# The kernels for other Cython projects: the dispatcher under plain names and pointers. kernels.pxd
# says what they promise; tests/downstream/kernels_abi.txt lists the names that stay.

from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport run
from cyrelu._dispatch.threads cimport BLOCK_OF_THREAD
{cimport("cyrelu._loops.dtypes", [*dtypes, "Dtype", "itemsize"])}
{cimport("cyrelu._loops.operations", [*operations, *operands, "OUT", "Operation"])}
from cyrelu._loops.types cimport Operands


cdef inline void call(
    Operation operation,
    Dtype dtype,
{pointers},
    void* out,
    Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Operands operands
    memset(&operands, 0, sizeof(operands))
{data}
    operands.data[OUT] = <char*> out
{strides}
    operands.stride[OUT] = item
    run(operation, dtype, &operands, n, False, BLOCK_OF_THREAD)


{kernels}"""


def kernel_head(operation: Operation, dtype: Dtype, end: str = "") -> str:
    arguments = [f"const {dtype.c_type}* {array.name}" for array in operation.arrays]
    arguments += [f"{dtype.c_type}* out", "Py_ssize_t n"]
    arguments += [f"{dtype.c_type} {factor.name}" for factor in operation.factors]
    return bracketed(
        f"cdef void {operation.name}_{dtype.suffix}(", arguments, f") noexcept nogil{end}"
    )


def kernel_body(operation: Operation, dtype: Dtype) -> str:
    operands = [pointer(operand, operation) for operand in OPERANDS]
    return f"    call({operation.enumerator}, {dtype.enumerator}, {', '.join(operands)}, out, n)"


def pointer(operand: Operand, operation: Operation) -> str:
    if operand not in operation.operands:
        return "NULL"
    return f"&{operand.name}" if operand.is_factor else operand.name


def kernels_abi() -> str:
    """Names and signatures, as Cython writes them into __pyx_capi__."""
    lines = []
    for operation in OPERATIONS:
        for dtype in DTYPES:
            types = [f"{dtype.c_type} const *"] * len(operation.arrays)
            types += [f"{dtype.c_type} *", "Py_ssize_t", *[dtype.c_type] * len(operation.factors)]
            lines.append(f"{operation.name}_{dtype.suffix}: void ({', '.join(types)})")
    return "\n".join(sorted(lines))


# ---- memoryviews: the kernels over contiguous views

MEMORYVIEWS_PXD = f"""\
# cython: boundscheck=False
{GENERATED}
# The kernels over contiguous typed memoryviews, float or double, of one dimension or (_2d) two:
#
#     from cyrelu cimport memoryviews
#     memoryviews.leaky_relu(x, out, 0.1)
#
# Compiled into the caller's module, which links kernels.pxd; with and without the GIL. Shapes that
# differ raise a ValueError that names the function, and leave out as it is: no index needs another
# check, and the caller's build gets no hint about it.

from cython cimport floating

from cyrelu cimport kernels


cdef inline int refuse(const char* function) except -1 with gil:
    raise ValueError(f"{{function.decode()}}: the views differ in shape")


"""
VIEWS = {1: ("[::1]", "[0]"), 2: ("[:, ::1]", "[0, 0]")}  # the type, and the first element


def memoryviews_pxd() -> str:
    return MEMORYVIEWS_PXD + "\n\n\n".join(
        memoryview(operation, axes) for operation in OPERATIONS for axes in VIEWS
    )


def memoryview(operation: Operation, axes: int) -> str:
    view, first = VIEWS[axes]
    name = operation.name + ("" if axes == 1 else f"_{axes}d")
    arrays = [array.name for array in operation.arrays]
    factors = [factor.name for factor in operation.factors]
    arguments = [f"const floating{view} {array}" for array in arrays]
    arguments += [f"floating{view} out", *(f"floating {factor}" for factor in factors)]
    differ = [
        f"{array}.shape[{axis}] != out.shape[{axis}]" for array in arrays for axis in range(axes)
    ]
    size = " * ".join(f"out.shape[{axis}]" for axis in range(axes))
    passed = [*(f"&{array}{first}" for array in (*arrays, "out")), "n", *factors]
    lines = [
        bracketed(f"cdef inline int {name}(", arguments, ") except -1 nogil:"),
        f"    cdef Py_ssize_t n = {size}",
        condition(differ, "    "),
        f'        return refuse("{name}")',
        "    if n > 0:",
        "        if floating is float:",
        bracketed(f"kernels.{operation.name}_f32(", passed, ")", " " * 12),
        "        else:",
        bracketed(f"kernels.{operation.name}_f64(", passed, ")", " " * 12),
        "    return 0",
    ]
    return "\n".join(lines)
