"""What the loops and their callers know of operations and dtypes: enumerators, tables, tags."""

from __future__ import annotations

from collections.abc import Sequence

from dtypes import (
    BOOL,
    DTYPES,
    FLOATS,
    FLOATS_16,
    INTEGERS,
    NARROW_FLOATS,
    NUMPY_TYPES,
    Dtype,
    NumpyType,
)
from layout import GENERATED, bracketed, cimport
from operations import OPERANDS, OPERATIONS, Operation, X, taken_by

FACTORS = ["NumberFactors", "FirstFactorArray", "ArrayFactors"]


def operations_pxd() -> str:
    operands = [operand.enumerator for operand in OPERANDS]
    first_factor = next(operand for operand in OPERANDS if operand.is_factor).enumerator
    return f"""\
{GENERATED}
# The operations, their operands, and which operation takes which.

from cyrelu._loops.dtypes cimport Dtype

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
    static CYTHON_INLINE int cyrelu_inputs_of(int operation) {{
        static const int taken[] = {{
{lines([mask(OPERANDS, operation.operands) for operation in OPERATIONS])}
        }};
        return taken[operation];
    }}
    /* a bit for each dtype */
    static CYTHON_INLINE int cyrelu_has_loop(int operation, int dtype) {{
        static const unsigned dtypes[] = {{
{lines([mask(DTYPES, operation.dtypes) for operation in OPERATIONS])}
        }};
        return dtypes[operation] >> dtype & 1;
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
    int inputs_of "cyrelu_inputs_of"(Operation operation) noexcept nogil  # a bit for each operand
    bint has_loop "cyrelu_has_loop"(Operation operation, Dtype dtype) noexcept nogil
    # Whether it has loops for integers, which it takes as they are; all others compute in floats.
    bint takes_integers "cyrelu_takes_integers"(Operation operation) noexcept nogil


cdef inline bint takes(Operation operation, int operand) noexcept nogil:
    return inputs_of(operation) >> operand & 1"""


def mask(table: Sequence[object], members: Sequence[object]) -> str:
    """A bit for each member, by its place in the table."""
    bits = sum(1 << position for position, each in enumerate(table) if each in members)
    assert len(table) < 31, "a set is an int"
    return f"{bits:#x}"


def dtypes_pxd() -> str:
    first_float = f"FIRST_FLOAT = {(FLOATS_16 + FLOATS)[0].enumerator}"
    return f"""\
{GENERATED}
# The dtypes of arrays, their names, and the size of an element of each.

{cimport("libc.stdint", [dtype.c_type for dtype in INTEGERS])}

ctypedef int Dtype

ctypedef fused integer:
{indented([dtype.c_type for dtype in INTEGERS])}

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
    static CYTHON_INLINE const char *cyrelu_dtype_name(int dtype) {{
        static const char *const names[] = {{
{lines([f'"{dtype.name}"' for dtype in DTYPES])}
        }};
        return names[dtype];
    }}
    \"\"\"
    Py_ssize_t itemsize "cyrelu_itemsize"(Dtype dtype) noexcept nogil
    const char* dtype_name "cyrelu_dtype_name"(Dtype dtype) noexcept nogil"""


def numpy_dtypes_pxd() -> str:
    positions = {dtype.name: position for position, dtype in enumerate(DTYPES)}
    ml_dtypes = [dtype for dtype in DTYPES if dtype.of_ml_dtypes]

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
    static CYTHON_INLINE const char *cyrelu_ml_type_name(int position) {{
        static const char *const names[] = {{
{lines([f'"{dtype.name}"' for dtype in ml_dtypes])}
        }};
        return names[position];
    }}
    static CYTHON_INLINE int cyrelu_ml_dtype(int position) {{
        static const int dtypes[] = {{
{lines([str(positions[dtype.name]) for dtype in ml_dtypes])}
        }};
        return dtypes[position];
    }}
    \"\"\"
    int type_number "cyrelu_type_number"(int position) noexcept
    Dtype dtype_of_number "cyrelu_dtype_of_number"(int type_number) noexcept
    # The types of ml_dtypes: their names there, and the dtypes of their arrays.
    const char* ml_type_name "cyrelu_ml_type_name"(int position) noexcept
    Dtype ml_dtype "cyrelu_ml_dtype"(int position) noexcept nogil

cdef enum:
    TYPE_COUNT = {len(NUMPY_TYPES)}
    ML_TYPE_COUNT = {len(ml_dtypes)}
    NO_DTYPE = -1


cdef inline int number_of_scalar_type(object value) noexcept:
{scalars}
    return NPY_NOTYPE"""


def tags_pxd() -> str:
    takes = "\n\n".join(
        fused(f"Takes{operand.tag}", tags_of(taken_by(operand)))
        for operand in OPERANDS
        if operand is not X
    )
    arguments = [f"floating {operand.name}" for operand in OPERANDS]
    integer_arguments = [f"integer {operand.name}" for operand in OPERANDS]
    of_integers = [operation for operation in OPERATIONS if operation.takes_integers]
    return f"""\
{GENERATED}
# What is chosen while Cython compiles is a type to it: `Op is Relu`. To C these types are all one
# opaque struct, of which only NULL pointers are passed. With a C type each, functions would be
# called through pointers of another type, which is undefined; as typedefs of one C type, Cython
# would take them for one type.

from cython cimport floating

# Not "from cyrelu cimport scalar": cythonize would not see that the loops depend on it.
cimport cyrelu.scalar as scalar
from cyrelu._loops.dtypes cimport integer

cdef extern from *:
    \"\"\"
    typedef struct cyrelu_tag cyrelu_tag;
    \"\"\"
{tags("Tag", *tags_of(OPERATIONS), *tags_of(DTYPES), *FACTORS, "Product", "Sum")}

{fused("Op", tags_of(OPERATIONS))}

# The dtypes by how their loops compute: in float or double; by way of float, of which those of 16
# bits have a loop of their own; and in integers, of which the unsigned ones have no negative
# numbers.
{fused("Floats", tags_of(FLOATS))}

{fused("NarrowFloats", tags_of(NARROW_FLOATS))}

{fused("Floats16", tags_of(FLOATS_16))}

{fused("Signed", [dtype.tag for dtype in INTEGERS if dtype.kind == "i"])}

{fused("Unsigned", [dtype.tag for dtype in INTEGERS if dtype.kind == "u"])}

{fused("Integers", tags_of([BOOL, *INTEGERS]))}

# Which factors have an element for each element of out: none, all are one number; the first that
# the operation takes; or all.
{fused("Factors", FACTORS)}

{fused("NumberOrArray", [FACTORS[0], FACTORS[-1]])}

# What is computed of two 16-bit floats.
{fused("Arithmetic", ["Product", "Sum"])}

# The operations that take an operand; all take x.
{takes}

{fused("TakesIntegers", tags_of(of_integers))}

{fused("Selects", [each.tag for each in OPERATIONS if each.selects])}


{bracketed("cdef inline floating apply(", ["Op* op", *arguments], ") noexcept nogil:")}
    \"\"\"The formula of the operation; operands that it does not take are not looked at.\"\"\"
{formulas("Op", OPERATIONS)}


{
        bracketed(
            "cdef inline integer apply_to_integers(",
            ["TakesIntegers* op", *integer_arguments],
            ") noexcept nogil:",
        )
    }
    \"\"\"The same for those that take integers.\"\"\"
{formulas("TakesIntegers", of_integers)}"""


def tags_of(table: Sequence[Operation] | Sequence[Dtype]) -> list[str]:
    return [each.tag for each in table]


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


# ---- the table of the loops


def baseline_pyx() -> str:
    entries = [
        f"LOOPS[operations.{operation.enumerator}][dtypes.{dtype.enumerator}][{kind}] = \\\n"
        f"    <Loop> {runner(dtype)}[tags.{operation.tag}, tags.{factors}, tags.{dtype.tag}]"
        for operation in OPERATIONS
        for dtype in DTYPES
        if dtype in operation.dtypes
        for kind, factors in kinds_of_factors(operation)
    ]
    return f"""\
{GENERATED}
# The loops of every operation, dtype and kind of factors: by itself for what the compiler targets
# by default, included in the modules of the other instruction sets for theirs.

include "loops.pyx"

cimport cyrelu._loops.dtypes as dtypes
cimport cyrelu._loops.operations as operations
cimport cyrelu._loops.tags as tags
from cyrelu._loops.contiguous cimport run_floats

{chr(10).join(entries)}"""


def kinds_of_factors(operation: Operation) -> list[tuple[int, str]]:
    """The kinds that an operation may meet; the first factor, where it is the only one, is all."""
    kinds = list(enumerate(FACTORS))
    if len(operation.factors) > 1:
        return kinds
    return [kinds[0], (1, FACTORS[2])] if operation.factors else kinds[:1]


def runner(dtype: Dtype) -> str:
    """The function of loops.pyx, or contiguous.pxd, that runs the loops of a dtype."""
    if dtype.kind != "f":
        return "run_integers"
    return "run_narrow_floats" if dtype.is_narrow_float else "run_floats"


def enum(names: Sequence[str], count: str, *more: str) -> str:
    return "\n".join(["cdef enum:", *(f"    {name}" for name in (*names, count, *more))])


def fused(name: str, members: Sequence[str]) -> str:
    return f"ctypedef fused {name}:\n{indented(members)}"


def indented(members: Sequence[str]) -> str:
    return "\n".join(f"    {member}" for member in members)


def tags(*names: str) -> str:
    return "\n".join(f'    ctypedef struct {name} "cyrelu_tag":\n        pass' for name in names)


def lines(items: Sequence[str]) -> str:
    return "\n".join(f"            {item}," for item in items)
