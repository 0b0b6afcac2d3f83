# What the operands of a call are, found out in one go: numbers; arrays of one dtype and shape; one
# row for all rows of the others; or arrays of any strides.

cimport numpy as cnp
from cpython.object cimport PyObject

from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT, Operation, X
from cyrelu._loops.types cimport Call, OperandSet, begin_call, is_factor
from cyrelu._numpy.operands cimport dtype_of, is_native, supports, read_scalar
from cyrelu._numpy.scalars cimport Scalar

cdef enum:
    ANY_CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS

# What the inputs of a call are together. Each kind of arrays may have numbers beside them, and
# what the kinds before it have.
cdef enum Kind:
    FOR_UFUNC  # anything else: NumPy decides
    NOT_BY_X  # x has not the shape of the result: see classify
    WITH_SEQUENCES  # lists or tuples among them, which become arrays
    SCALARS
    CONTIGUOUS  # arrays of one dtype, shape and memory order
    ROWS  # one row for all rows of the others
    STRIDED  # arrays of one dtype


# A call, and what it does not say of the objects that it comes from.
cdef struct Arguments:
    Call call
    int shape_from  # the operand that has the shape of a new out, and its memory order
    OperandSet arrays
    OperandSet rows  # those of the arrays that are one row
    bint are_plain  # the factors are numbers, and all others arrays
    int type_number  # NumPy's, of all operands
    Scalar[OPERAND_COUNT] scalars


# The same where x is no array, or another array is larger.
cdef Kind classify_by_largest(Operation operation, PyObject** given, Arguments* arguments) noexcept
# Where an operand is neither an array nor a number of the dtype.
cdef Kind kind_with_others(PyObject** given) noexcept


cdef inline Kind classify(Operation operation, PyObject** given, Arguments* arguments) noexcept:
    """Fill in the inputs; given has an object for each operand of the operation, else NULL."""
    cdef Kind kind = NOT_BY_X
    if is_array(given[X]):
        kind = classify_beside(X, operation, given, arguments)
    return kind if kind != NOT_BY_X else classify_by_largest(operation, given, arguments)


cdef inline Kind classify_beside(
    int first, Operation operation, PyObject** given, Arguments* arguments
) noexcept:
    """Fill in the inputs, if this array has the shape of the result."""
    cdef cnp.ndarray other
    cdef cnp.ndarray array = <cnp.ndarray> given[first]
    cdef Dtype dtype = dtype_of(array)
    if not supports(operation, dtype):
        return FOR_UFUNC
    cdef Call* call = &arguments.call
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Kind kind = CONTIGUOUS if cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS else STRIDED
    cdef int k
    begin_call(call, operation, dtype)
    call.n = cnp.PyArray_SIZE(array)
    call.operands.data[first], call.operands.stride[first] = cnp.PyArray_BYTES(array), item
    arguments.shape_from, arguments.type_number = first, cnp.PyArray_TYPE(array)
    arguments.arrays, arguments.rows, arguments.are_plain = 1 << first, 0, not is_factor(first)
    for k in range(OUT):
        if k == first or given[k] == NULL:
            continue
        if not is_array(given[k]):
            if not read_scalar(
                <object> given[k], arguments.type_number, dtype, &arguments.scalars[k]
            ):
                return kind_with_others(given)
            call.operands.data[k] = <char*> &arguments.scalars[k]
            if not is_factor(k):
                arguments.are_plain = False
            continue
        other = <cnp.ndarray> given[k]
        if not (cnp.PyArray_TYPE(other) == arguments.type_number and is_native(other)):
            return FOR_UFUNC
        arguments.arrays |= 1 << k
        if is_factor(k):
            arguments.are_plain = False
        call.operands.data[k] = cnp.PyArray_BYTES(other)
        if are_alike(other, array):
            call.operands.stride[k] = item
        elif is_row_of(other, array):
            arguments.rows |= 1 << k
            kind = max(kind, ROWS)
        elif first == X and is_larger(other, array):
            return NOT_BY_X
        else:
            kind = STRIDED
    return kind


cdef inline bint is_array(PyObject* value) noexcept:
    """Whether it is an array with axes: those without are scalars."""
    return cnp.PyArray_CheckExact(<object> value) and cnp.PyArray_NDIM(<cnp.ndarray> value) > 0


# Of arrays of one type, native both.

cdef inline bint are_alike(cnp.ndarray one, cnp.ndarray other) noexcept:
    """Whether both are contiguous, and have one shape and memory order."""
    return cnp.PyArray_FLAGS(one) & cnp.PyArray_FLAGS(
        other
    ) & ANY_CONTIGUOUS and cnp.PyArray_SAMESHAPE(one, other)


cdef inline bint is_row_of(cnp.ndarray row, cnp.ndarray array) noexcept:
    """Whether it is one row for the rows of a C-contiguous array."""
    return (
        cnp.PyArray_NDIM(row) == 1
        and cnp.PyArray_NDIM(array) > 1
        and cnp.PyArray_IS_C_CONTIGUOUS(array)
        and cnp.PyArray_IS_C_CONTIGUOUS(row)
        and cnp.PyArray_DIM(row, 0) == cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 1)
        and cnp.PyArray_DIM(row, 0) > 1
    )


cdef inline bint is_larger(cnp.ndarray one, cnp.ndarray other) noexcept:
    """Whether it has more axes, or as many and more elements."""
    cdef int more_axes = cnp.PyArray_NDIM(one) - cnp.PyArray_NDIM(other)
    return more_axes > 0 or (more_axes == 0 and cnp.PyArray_SIZE(one) > cnp.PyArray_SIZE(other))


cdef inline bint broadcasts_to(cnp.ndarray one, cnp.ndarray other) noexcept:
    """Whether it broadcasts to the shape of the other one."""
    cdef int missing = cnp.PyArray_NDIM(other) - cnp.PyArray_NDIM(one)
    cdef int axis
    if missing < 0:
        return False
    for axis in range(cnp.PyArray_NDIM(one)):
        if cnp.PyArray_DIM(one, axis) not in (1, cnp.PyArray_DIM(other, missing + axis)):
            return False
    return True
