# Contiguous, aligned, native arrays of one dtype and one shape, as the operands of the loops: what
# nearly all calls are made of, to be inlined.

cimport numpy as cnp

from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport (
    AT_ZERO,
    FIRST_FACTOR,
    GRAD,
    NEGATIVE_SLOPE,
    OPERAND_COUNT,
    OUT,
    Operation,
    X,
    Y,
    takes,
)
from cyrelu._loops.types cimport Operands, clear
from cyrelu._numpy.buffer_cache cimport (
    MIN_CACHED_BYTES,
    empty_cache,
    is_reused,
    start_caching,
    stop_caching,
)
from cyrelu._numpy.operands cimport dtype_of, has_loop, is_native, take_scalar
from cyrelu._numpy.scalars cimport Scalar

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)

cdef enum:
    RELEASE_GIL_ABOVE = 500  # elements; NumPy's own limit
    ANY_CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


# A call, as far as it is known.
cdef struct ContiguousCall:
    Dtype dtype
    Py_ssize_t n
    Operands operands
    Scalar[OPERAND_COUNT] scalars
    int one_row  # a bit for each operand that is one row, for all rows of x


cdef inline bint take_inputs(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    bint may_be_rows,
    ContiguousCall* call,
) noexcept:
    """Fill in the inputs: a contiguous array, others like it, and scalars; False for all others."""
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef cnp.ndarray array = <cnp.ndarray> x
    cdef Dtype dtype = dtype_of(array)
    if not (
        has_loop(operation, dtype)
        and cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS
        and cnp.PyArray_NDIM(array) > 0  # arrays without dimensions give scalars
    ):
        return False
    cdef int type_number = cnp.PyArray_TYPE(array)
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Operands* operands = &call.operands
    clear(operands)
    call.one_row = 0
    if takes(operation, GRAD):
        if not is_like(grad, array):
            return False
        operands.data[GRAD] = cnp.PyArray_BYTES(<cnp.ndarray> grad)
        operands.stride[GRAD] = item
    operands.data[X] = cnp.PyArray_BYTES(array)
    operands.stride[X] = item
    if takes(operation, Y):
        if is_like(y, array):
            operands.data[Y] = cnp.PyArray_BYTES(<cnp.ndarray> y)
            operands.stride[Y] = item
        elif take_scalar(y, type_number, dtype, &call.scalars[Y]):
            operands.data[Y] = <char*> &call.scalars[Y]
        elif not (may_be_rows and take_row(y, array, Y, call)):
            return False
    if takes(operation, NEGATIVE_SLOPE):
        if take_scalar(negative_slope, type_number, dtype, &call.scalars[NEGATIVE_SLOPE]):
            operands.data[NEGATIVE_SLOPE] = <char*> &call.scalars[NEGATIVE_SLOPE]
        elif not (may_be_rows and take_row(negative_slope, array, NEGATIVE_SLOPE, call)):
            return False
    if takes(operation, AT_ZERO):
        if not take_scalar(at_zero, type_number, dtype, &call.scalars[AT_ZERO]):
            return False
        operands.data[AT_ZERO] = <char*> &call.scalars[AT_ZERO]
    call.dtype = dtype
    call.n = cnp.PyArray_SIZE(array)
    return True


cdef inline bint take_row(
    object candidate, cnp.ndarray array, int k, ContiguousCall* call
) noexcept:
    if not is_row_of(array, candidate):
        return False
    call.operands.data[k] = cnp.PyArray_BYTES(<cnp.ndarray> candidate)
    call.one_row |= 1 << k
    return True


cdef inline bint take_out(object out, cnp.ndarray array, ContiguousCall* call) noexcept:
    """Fill in an out that is like the array, and of which each input is itself, or apart."""
    if not (is_like(out, array) and cnp.PyArray_ISWRITEABLE(<cnp.ndarray> out)):
        return False
    cdef char* start = cnp.PyArray_BYTES(<cnp.ndarray> out)
    cdef Py_ssize_t item = call.operands.stride[X]
    cdef Py_ssize_t size = call.n * item
    cdef char* data
    cdef int k
    for k in range(FIRST_FACTOR):
        data = call.operands.data[k]
        if (
            call.operands.stride[k] != 0
            and data != start
            and data < start + size
            and start < data + size
        ):
            return False
    call.operands.data[OUT] = start
    call.operands.stride[OUT] = item
    return True


cdef inline object take_new_out(cnp.ndarray array, ContiguousCall* call, bint* is_new):
    """Make an out; whether its memory is new, too."""
    cdef object out = new_like(array, call.n * call.operands.stride[X], is_new)
    call.operands.data[OUT] = cnp.PyArray_BYTES(<cnp.ndarray> out)
    call.operands.stride[OUT] = call.operands.stride[X]
    return out


cdef inline bint is_row_of(cnp.ndarray array, object candidate) noexcept:
    """Whether it is one row for the rows of a C-contiguous array, and of its dtype."""
    if not (
        cnp.PyArray_CheckExact(candidate)
        and cnp.PyArray_NDIM(<cnp.ndarray> candidate) == 1
        and cnp.PyArray_NDIM(array) > 1
        and cnp.PyArray_IS_C_CONTIGUOUS(array)
    ):
        return False
    cdef cnp.ndarray row = <cnp.ndarray> candidate
    return (
        cnp.PyArray_TYPE(row) == cnp.PyArray_TYPE(array)
        and is_native(row)
        and cnp.PyArray_IS_C_CONTIGUOUS(row)
        and cnp.PyArray_DIM(row, 0) == cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 1)
        and cnp.PyArray_DIM(row, 0) > 1
    )


cdef inline bint is_like(object candidate, cnp.ndarray array) noexcept:
    """Whether it is an array of the dtype, the shape and the memory order of a contiguous one."""
    if not cnp.PyArray_CheckExact(candidate):
        return False
    cdef cnp.ndarray other = <cnp.ndarray> candidate
    return (
        cnp.PyArray_TYPE(other) == cnp.PyArray_TYPE(array)
        and is_native(other)
        and cnp.PyArray_FLAGS(other) & cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS
        and cnp.PyArray_SAMESHAPE(other, array)
    )


cdef inline object new_like(cnp.ndarray array, Py_ssize_t size, bint* is_new):
    is_new[0] = True
    if size < MIN_CACHED_BYTES:
        try:
            return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
        except MemoryError:
            if not empty_cache():
                raise
            return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    before = start_caching()
    try:
        result = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    finally:
        stop_caching(before)
    is_new[0] = not is_reused(result)
    return result
