"""What the loops and their callers know of operations and dtypes: enumerators, tables, tags."""

from __future__ import annotations

from collections.abc import Sequence

from dtypes import BOOL, DTYPES, FLOATS, FLOATS_16, INTEGERS, NUMPY_TYPES, Dtype, NumpyType
from layout import GENERATED, bracketed, cimport
from operations import OPERANDS, OPERATIONS, Operand, Operation, X


def operations_pxd() -> str:
    operands = [operand.enumerator for operand in OPERANDS]
    first_factor = next(operand for operand in OPERANDS if operand.is_factor).enumerator
    return f"""\
{GENERATED}
# The operations, their operands, and which operation takes which.

ctypedef int Operation

{enum([operation.enumerator for operation in OPERATIONS], "OPERATION_COUNT")}

# In the order of the arguments: arrays, factors, out.
{enum([*operands, "OUT"], "OPERAND_COUNT", f"FIRST_FACTOR = {first_factor}")}

cdef extern from *:
    \"\"\"
    static CYTHON_INLINE const char *cyrelu_operation_name(int operation) {{
        static const char *const names[] = {{
{lines([f'"{operation.name}"' for operation in OPERATIONS])}
        }};
        return names[operation];
    }}
    static CYTHON_INLINE const char *cyrelu_operand_name(int operand) {{
        static const char *const names[] = {{
{lines([f'"{operand.name}"' for operand in OPERANDS])}
        }};
        return names[operand];
    }}
    /* a bit for each operand */
    static CYTHON_INLINE int cyrelu_takes(int operation, int operand) {{
        static const unsigned char taken[] = {{
{lines([mask(operation.operands) for operation in OPERATIONS])}
        }};
        return taken[operation] >> operand & 1;
    }}
    static CYTHON_INLINE int cyrelu_takes_integers(int operation) {{
        static const unsigned char taken[] = {{
{lines([str(int(operation.takes_integers)) for operation in OPERATIONS])}
        }};
        return taken[operation];
    }}
    \"\"\"
    const char* operation_name "cyrelu_operation_name"(Operation operation) noexcept nogil
    const char* operand_name "cyrelu_operand_name"(int operand) noexcept nogil
    bint takes "cyrelu_takes"(Operation operation, int operand) noexcept nogil  # an input
    # Whether it has loops for integers, which it takes as they are; all others compute in floats.
    bint takes_integers "cyrelu_takes_integers"(Operation operation) noexcept nogil"""


def dtypes_pxd() -> str:
    first_float = f"FIRST_FLOAT = {(FLOATS_16 + FLOATS)[0].enumerator}"
    return f"""\
{GENERATED}
# The dtypes of arrays, and the size of an element of each.

ctypedef int Dtype

# bool and integers come before floats.
{enum([dtype.enumerator for dtype in DTYPES], "DTYPE_COUNT", first_float)}

cdef extern from *:
    \"\"\"
    static CYTHON_INLINE Py_ssize_t cyrelu_itemsize(int dtype) {{
        static const unsigned char sizes[] = {{
{lines([f"sizeof({dtype.c_type})" for dtype in DTYPES])}
        }};
        return sizes[dtype];
    }}
    \"\"\"
    Py_ssize_t itemsize "cyrelu_itemsize"(Dtype dtype) noexcept nogil"""


def numpy_dtypes_pxd() -> str:
    positions = {dtype.name: position for position, dtype in enumerate(DTYPES)}

    def dtype_of(each: NumpyType) -> str:
        if not each.c_type:
            return str(positions[each.dtype])
        narrow, wide = (positions[each.dtype.format(bits)] for bits in (32, 64))
        return f"sizeof({each.c_type}) == 4 ? {narrow} : {wide}"

    numbers = "\n".join(
        f"            case {each.number}: return {dtype_of(each)};" for each in NUMPY_TYPES
    )
    numbers_in_c = [*(each.number for each in NUMPY_TYPES), "NPY_NOTYPE", "NPY_USERDEF"]
    type_numbers = "\n".join(f"    int {each}" for each in numbers_in_c)
    declarations = "\n".join(f"    PyTypeObject {each.scalar_type}" for each in NUMPY_TYPES)
    scalars = "\n".join(
        f"    if Py_TYPE(value) == &{each.scalar_type}:\n        return {each.number}"
        for each in reversed(NUMPY_TYPES)
    )
    return f"""\
{GENERATED}
# The dtypes by NumPy's type numbers, and the type numbers of its scalars.

from cpython.object cimport Py_TYPE, PyTypeObject

from cyrelu._loops.dtypes cimport Dtype

cdef extern from "numpy/arrayobject.h":
{type_numbers}
{declarations}

cdef extern from *:
    \"\"\"
    /* in the order in which the ufuncs try them */
    static CYTHON_INLINE int cyrelu_type_number(int position) {{
        static const int numbers[] = {{
{lines([each.number for each in NUMPY_TYPES])}
        }};
        return numbers[position];
    }}
    /* a switch, of which compilers make a table; the dtypes by their number in dtypes.pxd */
    static CYTHON_INLINE int cyrelu_dtype_of_number(int type_number) {{
        switch (type_number) {{
{numbers}
            default: return -1;
        }}
    }}
    \"\"\"
    int type_number "cyrelu_type_number"(int position) noexcept
    Dtype dtype_of_number "cyrelu_dtype_of_number"(int type_number) noexcept

cdef enum:
    TYPE_COUNT = {len(NUMPY_TYPES)}
    NO_DTYPE = -1


cdef inline int number_of_scalar_type(object value) noexcept:
{scalars}
    return NPY_NOTYPE"""


def tags_pxd() -> str:
    takes = "\n\n".join(
        fused(f"Takes{operand.tag}", [each.tag for each in OPERATIONS if operand in each.operands])
        for operand in OPERANDS
        if operand is not X
    )
    arguments = [f"floating {operand.name}" for operand in OPERANDS]
    return f"""\
{GENERATED}
# What is chosen while Cython compiles is a type to it: `Op is Relu`. To C these types are all one
# opaque struct, of which only NULL pointers are passed. With a C type each, functions would be
# called through pointers of another type, which is undefined; as typedefs of one C type, Cython
# would take them for one type.

from cython cimport floating
{cimport("libc.stdint", [dtype.c_type for dtype in INTEGERS])}

# Not "from cyrelu cimport scalar": cythonize would not see that the loops depend on it.
cimport cyrelu.scalar as scalar

ctypedef fused integer:
{indented([dtype.c_type for dtype in INTEGERS])}

cdef extern from *:
    \"\"\"
    typedef struct cyrelu_tag cyrelu_tag;
    \"\"\"
{tags("Tag", *(operation.tag for operation in OPERATIONS))}
{tags(*(dtype.tag for dtype in DTYPES), "ScalarFactors", "ArrayFactors", "Product", "Sum")}

{fused("Op", [operation.tag for operation in OPERATIONS])}

# The dtypes by what their loops compute in: float or double, 16-bit floats, and integers, of which
# the unsigned ones have no negative numbers.
{dtypes("Floats", FLOATS)}

{dtypes("Floats16", FLOATS_16)}

{dtypes("Signed", [dtype for dtype in INTEGERS if dtype.kind == "i"])}

{dtypes("Unsigned", [dtype for dtype in INTEGERS if dtype.kind == "u"])}

{dtypes("Integers", [BOOL, *INTEGERS])}

# Whether each factor is one number, or has an element for each element of out.
{fused("Factors", ["ScalarFactors", "ArrayFactors"])}

# What is computed of two 16-bit floats.
{fused("Arithmetic", ["Product", "Sum"])}

# The operations that take an operand (all take x), and those that take any factor.
{takes}

{fused("TakesFactors", [each.tag for each in OPERATIONS if each.factors])}

{fused("TakesIntegers", [each.tag for each in OPERATIONS if each.takes_integers])}


{bracketed("cdef inline floating apply(", ["Op* op", *arguments], ") noexcept nogil:")}
    \"\"\"The formula of the operation; operands that it does not take are not looked at.\"\"\"
{formulas("Op", OPERATIONS)}


cdef inline integer apply_to_integers(TakesIntegers* op, integer x, integer y) noexcept nogil:
    \"\"\"The same for those that take integers.\"\"\"
{formulas("TakesIntegers", [each for each in OPERATIONS if each.takes_integers])}"""


def formulas(fused_type: str, operations: Sequence[Operation]) -> str:
    branches = []
    for operation in operations:
        word = "elif" if branches else "if"
        names = ", ".join(operand.name for operand in operation.operands)
        branches.append(
            f"    {word} {fused_type} is {operation.tag}:\n"
            f"        return scalar.{operation.name}({names})"
        )
    return "\n".join(branches)


def baseline_pyx() -> str:
    added = "\n".join(
        f"add[tags.{operation.tag}](NULL, operations.{operation.enumerator})"
        for operation in OPERATIONS
    )
    return f"""\
{GENERATED}
# The loop of every operation: by itself for what the compiler targets by default, included in the
# modules of the other instruction sets for theirs.

include "loops.pyx"

cimport cyrelu._loops.operations as operations
cimport cyrelu._loops.tags as tags

{added}"""


def enum(names: Sequence[str], count: str, *more: str) -> str:
    return "\n".join(["cdef enum:", *(f"    {name}" for name in (*names, count, *more))])


def fused(name: str, members: Sequence[str]) -> str:
    return f"ctypedef fused {name}:\n{indented(members)}"


def indented(members: Sequence[str]) -> str:
    return "\n".join(f"    {member}" for member in members)


def dtypes(name: str, members: Sequence[Dtype]) -> str:
    return fused(name, [dtype.tag for dtype in members])


def tags(*names: str) -> str:
    return "\n".join(f'    ctypedef struct {name} "cyrelu_tag":\n        pass' for name in names)


def lines(items: Sequence[str]) -> str:
    return "\n".join(f"            {item}," for item in items)


def mask(operands: Sequence[Operand]) -> str:
    bits = [str(1 << position) for position, each in enumerate(OPERANDS) if each in operands]
    return " | ".join(bits)
