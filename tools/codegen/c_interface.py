"""What Cython and C users see: kernels.pxd, kernels.pyx, memoryviews.pxd, the list of the ABI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dtypes import BOOL, DTYPES, FLOATS, FLOATS_16, INTEGERS, Dtype
from layout import GENERATED, bracketed, cimport
from operations import OPERANDS, OPERATIONS, Operand, Operation

# ---- kernels: the dispatcher under plain names and pointers

KERNELS_PXD = f"""\
{GENERATED}
# The kernels for other Cython projects, linked when their modules are imported:
#
#     from cyrelu.kernels cimport relu_f32
#
# Each runs over n elements: nothing for n <= 0. Those named _rows_ run over rows of n elements, and
# have one row of y (a bias), or of slopes (PReLU), for all of them. Arrays are contiguous and
# aligned to their elements; out may be grad, x or y itself, but not the one row. They dispatch,
# thread and stream as the Python functions do, rows as one call, with and without the GIL; inside
# the caller's own parallel region they use its thread alone.
# Nothing is raised. Names and types are final: docs/cython.md says what that means.
#
# The elements of the 16-bit floats, f16 and bf16, are uint16_t: their bits, of which NumPy makes
# arrays by x.view(np.uint16). Their factors are float, and are rounded to the dtype first.

"""


def kernel_dtypes(operation: Operation) -> list[Dtype]:
    first = [*FLOATS, *FLOATS_16]
    others = [each for each in operation.dtypes if each not in (*first, BOOL)]
    return [*first, *others]


def kernels_pxd() -> str:
    types = ", ".join(
        sorted({dtype.c_type for dtype in DTYPES if dtype not in FLOATS}, key=c_order)
    )
    heads = [kernel_head, rows_kernel_head]
    return f"{KERNELS_PXD}from libc.stdint cimport {types}\n\n" + "\n\n".join(
        "\n".join(head(operation, dtype) for dtype in kernel_dtypes(operation))
        for head in heads
        for operation in OPERATIONS
        if head is kernel_head or operation.row
    )


def c_order(c_type: str) -> tuple[bool, int]:
    return c_type.startswith("u"), int("".join(filter(str.isdigit, c_type)))


def kernels_pyx() -> str:
    rows = {operation.row.enumerator for operation in OPERATIONS if operation.row}
    operations = [operation.enumerator for operation in OPERATIONS]
    dtypes = [dtype.enumerator for dtype in DTYPES if dtype is not BOOL]
    narrow = [dtype for dtype in DTYPES if dtype.is_narrow_float]
    kernels = "\n\n\n".join(
        [
            kernel_head(operation, dtype, ":") + "\n" + kernel_body(operation, dtype)
            for operation in OPERATIONS
            for dtype in kernel_dtypes(operation)
        ]
        + [
            rows_kernel_head(operation, dtype, ":") + "\n" + rows_kernel_body(operation, dtype)
            for operation in OPERATIONS
            for dtype in kernel_dtypes(operation)
            if operation.row
        ]
    )
    types = ", ".join(sorted({dtype.c_type for dtype in narrow}, key=c_order))
    return f"""\
{GENERATED}
# The kernels for other Cython projects: the dispatcher under plain names and pointers. kernels.pxd
# says what they promise; tests/downstream/kernels_abi.txt lists the names that stay.

from libc.stdint cimport {types}

from cyrelu._dispatch.dispatch cimport run
from cyrelu._dispatch.threads cimport BLOCK_OF_THREAD
from cyrelu._loops.conversions cimport round_to
{cimport("cyrelu._loops.dtypes", [*dtypes, "Dtype", "itemsize"])}
{cimport("cyrelu._loops.operations", [*operations, *rows, "OUT", "OPERAND_COUNT", "Operation"])}
from cyrelu._loops.types cimport Call, Rows, begin_call, is_factor

ctypedef const void* Input  # the first element, NULL where the operation does not take it


cdef inline void begin(
    Call* call, Operation operation, Dtype dtype, const Input* inputs, void* out, Py_ssize_t n
) noexcept nogil:
    cdef int k
    begin_call(call, operation, dtype)
    call.n, call.block_limit = n, BLOCK_OF_THREAD
    for k in range(OPERAND_COUNT):
        call.operands.data[k] = <char*> (out if k == OUT else inputs[k])
        if call.operands.data[k] != NULL and not is_factor(k):
            call.operands.stride[k] = itemsize(dtype)


cdef void call(
    Operation operation, Dtype dtype, const Input* inputs, void* out, Py_ssize_t n
) noexcept nogil:
    cdef Call call
    begin(&call, operation, dtype, inputs, out, n)
    run(&call)


cdef void call_by_rows(
    Operation operation,
    Dtype dtype,
    const Input* inputs,
    void* out,
    Py_ssize_t count,
    Py_ssize_t n,
    int row_operand,
) noexcept nogil:
    cdef Call call
    cdef Rows rows
    cdef int k
    begin(&call, operation, dtype, inputs, out, n)
    call.rows = &rows
    rows.count, rows.ndim = count, 1
    rows.shape[0] = count
    for k in range(OPERAND_COUNT):
        rows.stride[0][k] = n * call.operands.stride[k]
    rows.stride[0][row_operand] = 0
    call.operands.stride[row_operand] = itemsize(dtype)
    run(&call)


{kernels}"""


def kernel_head(operation: Operation, dtype: Dtype, end: str = "") -> str:
    arguments = [f"const {dtype.c_type}* {array.name}" for array in operation.arrays]
    arguments += [f"{dtype.c_type}* out", "Py_ssize_t n"]
    arguments += [f"{dtype.factor_type} {factor.name}" for factor in operation.factors]
    return bracketed(
        f"cdef void {operation.name}_{dtype.suffix}(", arguments, f") noexcept nogil{end}"
    )


def kernel_body(operation: Operation, dtype: Dtype) -> str:
    passed = [operation.enumerator, dtype.enumerator, "inputs", "out", "n"]
    return inputs(operation, dtype, operation.factors) + bracketed("call(", passed, ")", "    ")


def inputs(operation: Operation, dtype: Dtype, numbers: list[Operand]) -> str:
    """The lines that collect the inputs; factors of a narrow dtype become numbers of it before."""
    suffix = f"_{dtype.suffix}" if dtype.is_narrow_float else ""
    rounded = "".join(
        f"    cdef {dtype.c_type} {factor.name}{suffix} = "
        f"round_to({dtype.enumerator}, {factor.name})\n"
        for factor in numbers
        if suffix
    )
    pointers = {each: each.name for each in operation.operands}
    pointers |= {factor: f"&{factor.name}{suffix}" for factor in numbers}
    given = [pointers.get(operand, "NULL") for operand in OPERANDS]
    return rounded + bracketed("cdef Input[OUT] inputs = [", given, "]", "    ") + "\n"


def rows_kernel_head(operation: Operation, dtype: Dtype, end: str = "") -> str:
    arguments = [f"const {dtype.c_type}* {array.name}" for array in arrays_of_rows(operation)]
    arguments += [f"{dtype.c_type}* out", "Py_ssize_t rows", "Py_ssize_t n"]
    arguments += [f"{dtype.factor_type} {factor.name}" for factor in factors_of_rows(operation)]
    return bracketed(
        f"cdef void {operation.name}_rows_{dtype.suffix}(", arguments, f") noexcept nogil{end}"
    )


def arrays_of_rows(operation: Operation) -> list[Operand]:
    return [each for each in operation.operands if each not in factors_of_rows(operation)]


def factors_of_rows(operation: Operation) -> list[Operand]:
    return [factor for factor in operation.factors if factor is not operation.row]


def rows_kernel_body(operation: Operation, dtype: Dtype) -> str:
    assert operation.row
    passed = [operation.enumerator, dtype.enumerator, "inputs", "out", "rows", "n"]
    call = bracketed("call_by_rows(", [*passed, operation.row.enumerator], ")", "    ")
    return inputs(operation, dtype, factors_of_rows(operation)) + call


def kernels_abi() -> str:
    """Names and signatures, as Cython writes them into __pyx_capi__."""
    lines = []
    for operation in OPERATIONS:
        for dtype in kernel_dtypes(operation):
            types = [f"{dtype.c_type} const *"] * len(operation.arrays)
            types += [
                f"{dtype.c_type} *",
                "Py_ssize_t",
                *[dtype.factor_type] * len(operation.factors),
            ]
            lines.append(f"{operation.name}_{dtype.suffix}: void ({', '.join(types)})")
            if operation.row:
                types = [f"{dtype.c_type} const *"] * len(arrays_of_rows(operation))
                types += [f"{dtype.c_type} *", "Py_ssize_t", "Py_ssize_t"]
                types += [dtype.factor_type] * len(factors_of_rows(operation))
                lines.append(f"{operation.name}_rows_{dtype.suffix}: void ({', '.join(types)})")
    return "\n".join(sorted(lines))


# ---- memoryviews: the kernels over contiguous views

MOST_AXES = 4
LENGTH = "last axis differ in length"
MEMORYVIEWS_PXD = f"""\
# cython: boundscheck=False, wraparound=False, cdivision=True
{GENERATED}
# The kernels over contiguous typed memoryviews, float or double, of one to four dimensions; relu's
# may be of signed integers, too. Unsigned ones are not taken: they may hold 16-bit floats, for
# which there are kernels.
#
#     from cyrelu cimport memoryviews
#     memoryviews.leaky_relu(x, out, 0.1)
#     memoryviews.leaky_relu(x, out, slopes)    # PReLU: a slope for each element of the last axis
#     memoryviews.add_relu_rows(x, bias, out)   # a bias for each element of the last axis
#
# Compiled into the caller's module, which links kernels.pxd; with and without the GIL. Views whose
# shapes differ, and a read-only out, raise a ValueError that names the function and leave out as it
# is: no index needs another check, and the caller's build gets no hint about it.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t

from cyrelu cimport kernels

"""
HELPERS = """\
cdef inline int refuse(const char* function, const char* reason) except -1 with gil:
    raise ValueError(f"{function.decode()}: {reason.decode()}")


cdef inline int axes(NumberView view) noexcept nogil:
    if NumberView in View1d:
        return 1
    elif NumberView in View2d:
        return 2
    elif NumberView in View3d:
        return 3
    else:
        return 4


cdef inline Py_ssize_t last_axis(NumberView view) noexcept nogil:
    return view.shape[axes(view) - 1]


cdef inline Py_ssize_t size(NumberView view) noexcept nogil:
    cdef int axis
    cdef Py_ssize_t n = 1
    for axis in range(axes(view)):
        n *= view.shape[axis]
    return n


cdef inline bint differ(NumberView one, NumberView other) noexcept nogil:
    cdef int axis
    for axis in range(axes(one)):
        if one.shape[axis] != other.shape[axis]:
            return True
    return False


cdef inline void* data(NumberView view) noexcept nogil:
    if NumberView in View1d:
        return <void*> &view[0]
    elif NumberView in View2d:
        return <void*> &view[0, 0]
    elif NumberView in View3d:
        return <void*> &view[0, 0, 0]
    else:
        return <void*> &view[0, 0, 0, 0]


cdef inline Py_ssize_t sizeof_element(View view) noexcept nogil:
    return sizeof(float) if View in F32View else sizeof(double)


cdef inline int check_row(
    const char* function, Row row, View out, const char* if_dtype, const char* if_length
) except -1 nogil:
    if sizeof(row[0]) != sizeof_element(out):
        return refuse(function, if_dtype)
    if row.shape[0] != last_axis(out):
        return refuse(function, if_length)
    return 0


# The type of out is that of the inputs, with constant elements; its buffer says if they are.
cdef inline int check_out(const char* function, NumberView out) except -1 nogil:
    if is_read_only(out):
        return refuse(function, "out is read-only")
    return 0
"""


def memoryviews_pxd() -> str:
    return MEMORYVIEWS_PXD + "\n\n\n".join(
        [view_types(), read_only(), HELPERS.rstrip()]
        + [memoryview(operation) for operation in OPERATIONS]
        + [memoryview_of_rows(operation) for operation in OPERATIONS if operation.array_row]
    )


def view(c_type: str, axes: int) -> str:
    return f"const {c_type}[{':, ' * (axes - 1)}::1]"


SIGNED = [dtype for dtype in INTEGERS if dtype.kind == "i"]


def views(dtypes: list[Dtype], axes: Iterable[int] = range(1, MOST_AXES + 1)) -> list[str]:
    return [view(dtype.c_type, n) for n in axes for dtype in dtypes]


def view_group(dtype: Dtype) -> str:
    return f"{dtype.suffix.upper()}View"


def view_types() -> str:
    numbers = [*FLOATS, *SIGNED]
    fused = {"View": views(FLOATS), "NumberView": views(numbers)}
    fused |= {f"View{n}d": views(numbers, [n]) for n in range(1, MOST_AXES)}
    fused |= {view_group(dtype): views([dtype]) for dtype in numbers[:-1]}
    fused["Row"] = views(FLOATS, [1])
    fused["Slope"] = ["double", *fused["Row"]]
    return "\n\n".join(
        "\n".join([f"ctypedef fused {name}:", *(f"    {member}" for member in members)])
        for name, members in fused.items()
    )


def read_only() -> str:
    """is_read_only(NumberView): a macro under one name in C, under one for each type in Cython."""
    numbers = [*FLOATS, *SIGNED]
    lines = ["cdef extern from *:", '    """']
    lines += ["    #define cyrelu_is_read_only(slice) ((slice).memview->view.readonly)", '    """']
    lines += [
        f'    bint is_read_only_{dtype.suffix}_{axes} "cyrelu_is_read_only"('
        f"{view(dtype.c_type, axes)} view) noexcept nogil"
        for axes in range(1, MOST_AXES + 1)
        for dtype in numbers
    ]
    lines += ["", "", "cdef inline bint is_read_only(NumberView view) noexcept nogil:"]
    for head, dtype in branches("NumberView", numbers):
        lines.append(f"    {head}")
        for axes in range(1, MOST_AXES + 1):
            word = {1: "if", MOST_AXES: "else"}.get(axes, "elif")
            test = "" if axes == MOST_AXES else f" NumberView in View{axes}d"
            lines.append(f"        {word}{test}:")
            lines.append(f"            return is_read_only_{dtype.suffix}_{axes}(view)")
    return "\n".join(lines)


def branches(fused: str, dtypes: list[Dtype]) -> Iterator[tuple[str, Dtype]]:
    for dtype in dtypes[:-1]:
        yield f"{'if' if dtype is dtypes[0] else 'elif'} {fused} in {view_group(dtype)}:", dtype
    yield "else:", dtypes[-1]


def fused_view(operation: Operation) -> str:
    return "NumberView" if operation.takes_integers else "View"


def memoryview(operation: Operation) -> str:
    """A function of views of one shape; a factor that may be a row is a number, or a view."""
    arrays = [array.name for array in operation.arrays]
    arguments = [f"{fused_view(operation)} {name}" for name in (*arrays, "out")]
    arguments += [
        f"{'Slope' if factor is operation.factor_row else 'double'} {factor.name}"
        for factor in operation.factors
    ]
    lines = head_of_memoryview(operation.name, arrays, arguments)
    if operation.factor_row:
        lines.append("    if Slope is not double:")
        lines.append(check_row(operation.name, operation.factor_row.name, " " * 8))
    lines += ["    if n <= 0:", "        return 0"]
    if operation.factor_row:
        lines += ["    if Slope is double:", *call_kernel(operation, "", "View", " " * 8)]
        lines += ["    else:", *call_kernel(operation, "_rows", "View", " " * 8)]
    else:
        lines += call_kernel(operation, "", fused_view(operation), " " * 4)
    return "\n".join([*lines, "    return 0"])


def memoryview_of_rows(operation: Operation) -> str:
    """A function of views of floats and one row of an array, as of a bias."""
    name = f"{operation.name}_rows"
    others = [array.name for array in operation.arrays if array is not operation.row]
    arguments = [
        f"{'Row' if array is operation.row else 'View'} {array.name}" for array in operation.arrays
    ]
    arguments.append("View out")
    arguments += [f"double {factor.name}" for factor in operation.factors]
    return "\n".join(
        [
            *head_of_memoryview(name, others, arguments),
            check_row(name, operation.array_row.name, " " * 4),
            "    if n <= 0:",
            "        return 0",
            *call_kernel(operation, "_rows", "View", " " * 4),
            "    return 0",
        ]
    )


def check_row(function: str, row: str, indent: str) -> str:
    reasons = [f'"{row} and the {other}"' for other in ("views differ in dtype", LENGTH)]
    return bracketed("check_row(", [f'"{function}"', row, "out", *reasons], ")", indent)


def head_of_memoryview(name: str, arrays: list[str], arguments: list[str]) -> list[str]:
    return [
        bracketed(f"cdef inline int {name}(", arguments, ") except -1 nogil:"),
        "    cdef Py_ssize_t n = size(out)",
        f"    if {' or '.join(f'differ({array}, out)' for array in arrays)}:",
        f'        return refuse("{name}", "the views differ in shape")',
        f'    check_out("{name}", out)',
    ]


def call_kernel(operation: Operation, rows: str, fused_view: str, indent: str) -> list[str]:
    lines = []
    dtypes = [*FLOATS, *(SIGNED if fused_view == "NumberView" else [])]
    for head, dtype in branches(fused_view, dtypes):
        lines.append(f"{indent}{head}")
        arrays = arrays_of_rows(operation) if rows else operation.arrays
        passed = [f"<const {dtype.c_type}*> data({array.name})" for array in arrays]
        passed += [f"<{dtype.c_type}*> data(out)"]
        passed += ["n // last_axis(out)", "last_axis(out)"] if rows else ["n"]
        factors = factors_of_rows(operation) if rows else operation.factors
        passed += [f"<{dtype.factor_type}> {factor.name}" for factor in factors]
        kernel = f"kernels.{operation.name}{rows}_{dtype.suffix}("
        lines.append(bracketed(kernel, passed, ")", f"{indent}    "))
    return lines
