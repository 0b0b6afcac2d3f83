"""What Cython and C users see: kernels.pxd, kernels.pyx, memoryviews.pxd, the list of the ABI."""

from __future__ import annotations

from dtypes import DTYPES, Dtype
from layout import GENERATED, bracketed, cimport
from operations import NEGATIVE_SLOPE, OPERANDS, OPERATIONS, Operand, Operation

# ---- kernels: the dispatcher under plain names and pointers

KERNELS_PXD = f"""\
{GENERATED}
# The kernels for other Cython projects, linked when their modules are imported:
#
#     from cyrelu.kernels cimport relu_f32
#
# Each runs over n elements: nothing for n <= 0. Those named _rows_ run over rows of n elements, and
# have a slope for each element of a row (PReLU). Arrays are contiguous and aligned to their
# elements; out may be x or grad itself. They dispatch, thread and stream as the Python functions
# do, with and without the GIL; inside the caller's own parallel region they use its thread alone.
# Nothing is raised. Names and types are final: docs/cython.md says what that means.

"""


def kernels_pxd() -> str:
    heads = [kernel_head, rows_kernel_head]
    return KERNELS_PXD + "\n\n".join(
        "\n".join(head(operation, dtype) for dtype in DTYPES)
        for head in heads
        for operation in OPERATIONS
        if head is kernel_head or operation.has_slope
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
    advance = "\n".join(
        f"        operands.data[{operand.enumerator}] += n * operands.stride[{operand.enumerator}]"
        for operand in OPERANDS
        if not operand.is_factor
    )
    kernels = "\n\n\n".join(
        [
            kernel_head(operation, dtype, ":") + "\n" + kernel_body(operation, dtype)
            for operation in OPERATIONS
            for dtype in DTYPES
        ]
        + [
            rows_kernel_head(operation, dtype, ":") + "\n" + rows_kernel_body(operation, dtype)
            for operation in OPERATIONS
            for dtype in DTYPES
            if operation.has_slope
        ]
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


cdef inline void call_by_rows(
    Operation operation,
    Dtype dtype,
{pointers},
    void* out,
    Py_ssize_t rows,
    Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t _row
    cdef Operands operands
    memset(&operands, 0, sizeof(operands))
{data}
    operands.data[OUT] = <char*> out
{strides}
    operands.stride[NEGATIVE_SLOPE] = item
    operands.stride[OUT] = item
    if n <= 0:
        return
    for _row in range(rows):
        run(operation, dtype, &operands, n, False, BLOCK_OF_THREAD)
{advance}
        operands.data[OUT] += n * item


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


def rows_kernel_head(operation: Operation, dtype: Dtype, end: str = "") -> str:
    arrays = [*operation.arrays, NEGATIVE_SLOPE]
    arguments = [f"const {dtype.c_type}* {array.name}" for array in arrays]
    arguments += [f"{dtype.c_type}* out", "Py_ssize_t rows", "Py_ssize_t n"]
    arguments += [f"{dtype.c_type} {factor.name}" for factor in factors_of_rows(operation)]
    return bracketed(
        f"cdef void {operation.name}_rows_{dtype.suffix}(", arguments, f") noexcept nogil{end}"
    )


def factors_of_rows(operation: Operation) -> list[Operand]:
    return [factor for factor in operation.factors if factor is not NEGATIVE_SLOPE]


def rows_kernel_body(operation: Operation, dtype: Dtype) -> str:
    pointers = [
        operand.name if operand is NEGATIVE_SLOPE else pointer(operand, operation)
        for operand in OPERANDS
    ]
    arguments = [operation.enumerator, dtype.enumerator, *pointers, "out", "rows", "n"]
    return bracketed("call_by_rows(", arguments, ")", "    ")


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
            if operation.has_slope:
                types = [f"{dtype.c_type} const *"] * (len(operation.arrays) + 1)
                types += [f"{dtype.c_type} *", "Py_ssize_t", "Py_ssize_t"]
                types += [dtype.c_type] * len(factors_of_rows(operation))
                lines.append(f"{operation.name}_rows_{dtype.suffix}: void ({', '.join(types)})")
    return "\n".join(sorted(lines))


# ---- memoryviews: the kernels over contiguous views

MOST_AXES = 4
MEMORYVIEWS_PXD = f"""\
# cython: boundscheck=False, wraparound=False, cdivision=True
{GENERATED}
# The kernels over contiguous typed memoryviews, float or double, of one to four dimensions:
#
#     from cyrelu cimport memoryviews
#     memoryviews.leaky_relu(x, out, 0.1)
#     memoryviews.leaky_relu(x, out, slopes)    # PReLU: a slope for each element of the last axis
#
# Compiled into the caller's module, which links kernels.pxd; with and without the GIL. Views whose
# shapes differ, and a read-only out, raise a ValueError that names the function and leave out as it
# is: no index needs another check, and the caller's build gets no hint about it.

from cyrelu cimport kernels

"""
HELPERS = """\
cdef inline int refuse(const char* function, const char* reason) except -1 with gil:
    raise ValueError(f"{function.decode()}: {reason.decode()}")


cdef inline int axes(View view) noexcept nogil:
    if View in View1d:
        return 1
    elif View in View2d:
        return 2
    elif View in View3d:
        return 3
    else:
        return 4


cdef inline Py_ssize_t last_axis(View view) noexcept nogil:
    return view.shape[axes(view) - 1]


cdef inline Py_ssize_t size(View view) noexcept nogil:
    cdef int axis
    cdef Py_ssize_t n = 1
    for axis in range(axes(view)):
        n *= view.shape[axis]
    return n


cdef inline bint differ(View one, View other) noexcept nogil:
    cdef int axis
    for axis in range(axes(one)):
        if one.shape[axis] != other.shape[axis]:
            return True
    return False


cdef inline void* data(View view) noexcept nogil:
    if View in View1d:
        return <void*> &view[0]
    elif View in View2d:
        return <void*> &view[0, 0]
    elif View in View3d:
        return <void*> &view[0, 0, 0]
    else:
        return <void*> &view[0, 0, 0, 0]


cdef inline Py_ssize_t itemsize(View view) noexcept nogil:
    return sizeof(float) if View in FloatView else sizeof(double)


cdef inline int check_slopes(const char* function, Slopes slopes, View out) except -1 nogil:
    if itemsize(slopes) != itemsize(out):
        return refuse(function, "negative_slope and the views differ in dtype")
    if slopes.shape[0] != last_axis(out):
        return refuse(function, "negative_slope and the last axis differ in length")
    return 0


# The type of out is that of the inputs, with constant elements; its buffer says if they are.
cdef inline int check_out(const char* function, View out) except -1 nogil:
    if is_read_only(out):
        return refuse(function, "out is read-only")
    return 0
"""


def memoryviews_pxd() -> str:
    return MEMORYVIEWS_PXD + "\n\n\n".join(
        [view_types(), read_only(), HELPERS.rstrip(), *map(memoryview, OPERATIONS)]
    )


def view(c_type: str, axes: int) -> str:
    return f"const {c_type}[{':, ' * (axes - 1)}::1]"


def view_types() -> str:
    every = [(dtype.c_type, axes) for axes in range(1, MOST_AXES + 1) for dtype in DTYPES]
    groups = {"View": every}
    groups |= {f"View{n}d": [each for each in every if each[1] == n] for n in range(1, MOST_AXES)}
    groups |= {"FloatView": [each for each in every if each[0] == "float"]}
    fused = {name: [view(*each) for each in members] for name, members in groups.items()}
    fused["Slopes"] = [view(dtype.c_type, 1) for dtype in DTYPES]
    fused["Slope"] = ["double", *fused["Slopes"]]
    return "\n\n".join(
        "\n".join([f"ctypedef fused {name}:", *(f"    {member}" for member in members)])
        for name, members in fused.items()
    )


def read_only() -> str:
    """is_read_only(View): a macro under one name in C, under one for each type in Cython."""
    every = [(dtype.c_type, axes) for axes in range(1, MOST_AXES + 1) for dtype in DTYPES]
    lines = ["cdef extern from *:", '    """']
    lines += ["    #define cyrelu_is_read_only(slice) ((slice).memview->view.readonly)", '    """']
    lines += [
        f'    bint is_read_only_{c_type}_{axes} "cyrelu_is_read_only"({view(c_type, axes)} view)'
        " noexcept nogil"
        for c_type, axes in every
    ]
    lines += ["", "", "cdef inline bint is_read_only(View view) noexcept nogil:"]
    for number, (condition, c_type) in enumerate([("View in FloatView", "float"), ("", "double")]):
        lines.append(f"    {'else' if number else f'if {condition}'}:")
        for axes in range(1, MOST_AXES + 1):
            word = {1: "if", MOST_AXES: "else"}.get(axes, "elif")
            test = "" if axes == MOST_AXES else f" View in View{axes}d"
            lines.append(f"        {word}{test}:")
            lines.append(f"            return is_read_only_{c_type}_{axes}(view)")
    return "\n".join(lines)


def memoryview(operation: Operation) -> str:
    arrays = [array.name for array in operation.arrays]
    arguments = [f"View {name}" for name in (*arrays, "out")]
    arguments += [
        f"{'Slope' if factor is NEGATIVE_SLOPE else 'double'} {factor.name}"
        for factor in operation.factors
    ]
    lines = [
        bracketed(f"cdef inline int {operation.name}(", arguments, ") except -1 nogil:"),
        "    cdef Py_ssize_t n = size(out)",
        f"    if {' or '.join(f'differ({array}, out)' for array in arrays)}:",
        f'        return refuse("{operation.name}", "the views differ in shape")',
        f'    check_out("{operation.name}", out)',
    ]
    if operation.has_slope:
        lines += [
            "    if Slope is not double:",
            f'        check_slopes("{operation.name}", negative_slope, out)',
        ]
    lines += ["    if n <= 0:", "        return 0"]
    if operation.has_slope:
        lines += ["    if Slope is double:", *call_kernel(operation, "", " " * 8)]
        lines += ["    else:", *call_kernel(operation, "_rows", " " * 8)]
    else:
        lines += call_kernel(operation, "", " " * 4)
    return "\n".join([*lines, "    return 0"])


def call_kernel(operation: Operation, rows: str, indent: str) -> list[str]:
    lines = []
    for number, dtype in enumerate(DTYPES):
        lines.append(f"{indent}{'else' if number else 'if View in FloatView'}:")
        passed = [f"<const {dtype.c_type}*> data({array.name})" for array in operation.arrays]
        passed += [f"<const {dtype.c_type}*> data(negative_slope)"] if rows else []
        passed += [f"<{dtype.c_type}*> data(out)"]
        passed += ["n // last_axis(out)", "last_axis(out)"] if rows else ["n"]
        factors = factors_of_rows(operation) if rows else operation.factors
        passed += [f"<{dtype.c_type}> {factor.name}" for factor in factors]
        kernel = f"kernels.{operation.name}{rows}_{dtype.suffix}("
        lines.append(bracketed(kernel, passed, ")", f"{indent}    "))
    return lines
