# What every public function does: the fast path for what people pass nearly always, threads for
# large strided and broadcast operands (strided.pyx), the ufunc for everything else (ufuncs.pyx).
# All end in the same dispatcher, so all give the same bits.

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport INFINITY
from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport Rows, run, run_rows, run_where
from cyrelu._dispatch.threads cimport NO_BLOCK
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport (
    AT_ZERO,
    GRAD,
    NEGATIVE_SLOPE,
    OPERAND_COUNT,
    OUT,
    Operation,
    X,
    Y,
    operation_name,
    takes,
    takes_integers,
)
from cyrelu._loops.types cimport Operands
from cyrelu._numpy.buffer_cache cimport (
    MIN_CACHED_BYTES,
    empty_cache,
    is_reused,
    start_caching,
    stop_caching,
)
from cyrelu._numpy.dtypes cimport NPY_NOTYPE
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport (
    are_disjoint,
    dtype_of,
    dtype_of_type_number,
    has_loop,
    is_native,
    take_scalar,
)
from cyrelu._numpy.scalars cimport Scalar, number_of_scalar
from cyrelu._numpy.strided cimport call_strided
from cyrelu._numpy.ufunc_calls cimport NOT_GIVEN, call_ufunc

from cyrelu._numpy.from_output import refuse_slopes_that_lose_the_sign

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void* data, cnp.dtype descr, PyObject* base)
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)

cnp.import_array()

cdef enum:
    RELEASE_GIL_ABOVE = 500  # elements; NumPy's own limit
    ANY_CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


cdef object call(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
):
    cdef object result
    cdef object output = None if out is NOT_GIVEN else out
    if (
        (where is True or (output is not None and cnp.PyArray_CheckExact(where)))
        and (dtype is None or is_dtype_of(x, dtype))
        and casting is "same_kind"
        and order is "K"
        and subok is True
    ):
        result = call_contiguous(operation, grad, x, y, negative_slope, at_zero, output, where)
        if result is None and where is True and output is None:
            result = call_scalars(operation, grad, x, y, negative_slope, at_zero)
        if (
            result is None
            and where is True
            and (is_sequence(x) or is_sequence(grad) or is_sequence(y))
            and are_plain(grad, x, y, negative_slope, at_zero, output)
        ):
            x = cnp.PyArray_FROM_O(x)
            grad = None if grad is None else cnp.PyArray_FROM_O(grad)
            y = None if y is None else cnp.PyArray_FROM_O(y)
            return call(
                operation,
                grad,
                x,
                y,
                negative_slope,
                at_zero,
                out,
                where,
                casting,
                order,
                dtype,
                subok,
            )
        if result is None and where is True:
            result = call_strided(operation, grad, x, y, negative_slope, at_zero, output)
        if result is not None:
            return result
    return call_ufunc(
        operation, grad, x, y, negative_slope, at_zero, out, where, casting, order, dtype, subok
    )


cdef object at_zero_of_output(Operation operation, object negative_slope):
    """An output of 0 comes of an input of 0, or of one below whose product is 0."""
    if not takes(operation, NEGATIVE_SLOPE):
        return 0.0
    if not (
        PyFloat_CheckExact(negative_slope) and 0 < PyFloat_AS_DOUBLE(negative_slope) < INFINITY
    ):
        refuse_slopes_that_lose_the_sign(operation_name(operation).decode(), negative_slope)
    return negative_slope


cdef object call_contiguous(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
):
    """The fast path: contiguous, aligned, native arrays of one dtype and shape, scalar factors.

    A bias, and an array of slopes, may be one row for all rows of C-contiguous arrays. None, and
    nothing done, for all other operands.
    """
    if not cnp.PyArray_CheckExact(x):
        return None
    cdef cnp.ndarray array = <cnp.ndarray> x
    cdef Dtype dtype = dtype_of(array)
    if not has_loop(operation, dtype) or not is_contiguous(array):
        return None
    cdef int type_number = cnp.PyArray_TYPE(array)
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
    cdef Operands operands
    cdef Scalar addend, slope, zero
    cdef int by_rows = 0  # a bit for each operand that is a row
    memset(&operands, 0, sizeof(operands))

    if takes(operation, GRAD):
        if not is_like(grad, array):
            return None
        operands.data[GRAD] = cnp.PyArray_BYTES(<cnp.ndarray> grad)
        operands.stride[GRAD] = item
    operands.data[X] = cnp.PyArray_BYTES(array)
    operands.stride[X] = item
    if takes(operation, Y):
        if is_like(y, array):
            operands.data[Y] = cnp.PyArray_BYTES(<cnp.ndarray> y)
            operands.stride[Y] = item
        elif take_scalar(y, type_number, dtype, &addend):
            operands.data[Y] = <char*> &addend
        elif is_row_of(array, y):
            operands.data[Y] = cnp.PyArray_BYTES(<cnp.ndarray> y)
            by_rows |= 1 << Y
        else:
            return None
    if takes(operation, NEGATIVE_SLOPE):
        if take_scalar(negative_slope, type_number, dtype, &slope):
            operands.data[NEGATIVE_SLOPE] = <char*> &slope
        elif is_row_of(array, negative_slope):
            operands.data[NEGATIVE_SLOPE] = cnp.PyArray_BYTES(<cnp.ndarray> negative_slope)
            by_rows |= 1 << NEGATIVE_SLOPE
        else:
            return None
    if takes(operation, AT_ZERO):
        if not take_scalar(at_zero, type_number, dtype, &zero):
            return None
        operands.data[AT_ZERO] = <char*> &zero
    cdef bint out_is_new = False
    if out is None:
        out = new_like(array, n * item, &out_is_new)
    elif not (
        is_like(out, array)
        and cnp.PyArray_ISWRITEABLE(<cnp.ndarray> out)
        and is_same_or_disjoint(<cnp.ndarray> out, array, n * item)
        and not (
            takes(operation, GRAD) and not is_same_or_disjoint(<cnp.ndarray> out, grad, n * item)
        )
        and not (
            operands.stride[Y] != 0 and not is_same_or_disjoint(<cnp.ndarray> out, y, n * item)
        )
        and not (by_rows and shares_a_row(<cnp.ndarray> out, y, negative_slope))
        and (where is True or (by_rows == 0 and is_mask_of(array, where, <cnp.ndarray> out)))
    ):
        return None
    operands.data[OUT] = cnp.PyArray_BYTES(<cnp.ndarray> out)
    operands.stride[OUT] = item

    cdef int block_limit = NO_BLOCK
    cdef const unsigned char* mask
    if where is not True:
        mask = <const unsigned char*> cnp.PyArray_BYTES(<cnp.ndarray> where)
        with nogil:
            run_where(operation, dtype, &operands, n, mask)
    elif by_rows:
        call_by_rows(operation, dtype, &operands, by_rows, array, n, out_is_new)
    elif n > RELEASE_GIL_ABOVE:
        block_limit = context_limit()
        with nogil:
            run(operation, dtype, &operands, n, out_is_new, block_limit)
    else:
        run(operation, dtype, &operands, n, out_is_new, block_limit)
    return out


cdef inline bint is_mask_of(cnp.ndarray array, object where, cnp.ndarray out) noexcept:
    """Whether it has a bool for each element of a contiguous array, in memory of its own."""
    cdef cnp.ndarray mask = <cnp.ndarray> where
    return (
        cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
        and cnp.PyArray_FLAGS(mask) & cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS
        and cnp.PyArray_SAMESHAPE(mask, array)
        and are_disjoint(mask, out)
    )


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


cdef inline bint shares_a_row(cnp.ndarray out, object y, object negative_slope) noexcept:
    """Whether out shares memory with one of the two, where that is a row."""
    for value in (y, negative_slope):
        if (
            cnp.PyArray_CheckExact(value)
            and not cnp.PyArray_SAMESHAPE(<cnp.ndarray> value, out)
            and not are_disjoint(<cnp.ndarray> value, out)
        ):
            return True
    return False


cdef int call_by_rows(
    Operation operation,
    Dtype dtype,
    Operands* operands,
    int by_rows,
    cnp.ndarray array,
    Py_ssize_t n,
    bint out_is_new,
) except -1:
    cdef Py_ssize_t columns = cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 1)
    cdef int block_limit = NO_BLOCK
    cdef Rows rows
    cdef int k
    rows.count = rows.shape[0] = n // columns
    rows.ndim = 1
    for k in range(OPERAND_COUNT):
        rows.stride[0][k] = columns * operands.stride[k]
        if by_rows >> k & 1:
            rows.stride[0][k], operands.stride[k] = 0, itemsize(dtype)
    if n > RELEASE_GIL_ABOVE:
        block_limit = context_limit()
    with nogil:
        run_rows(operation, dtype, operands, columns, &rows, out_is_new, block_limit)
    return 0


cdef object call_scalars(
    Operation operation, object grad, object x, object y, object negative_slope, object at_zero
):
    """A NumPy scalar for scalars: Python numbers, NumPy scalars, arrays without dimensions.

    None for all other operands, and where NumPy has to decide the dtype.
    """
    cdef int type_number
    if PyFloat_CheckExact(x):
        type_number = cnp.NPY_DOUBLE
    elif PyLong_CheckExact(x):
        type_number = cnp.NPY_INTP if takes_integers(operation) else cnp.NPY_DOUBLE
    else:
        type_number = number_of_scalar(x)
    cdef Dtype dtype = dtype_of_type_number(type_number)
    if not has_loop(operation, dtype):
        return None
    cdef Scalar[OPERAND_COUNT] values
    cdef Operands operands
    cdef int k
    memset(&operands, 0, sizeof(operands))
    if (
        not take_scalar(x, type_number, dtype, &values[X])
        or (takes(operation, GRAD) and not take_scalar(grad, type_number, dtype, &values[GRAD]))
        or (takes(operation, Y) and not take_scalar(y, type_number, dtype, &values[Y]))
        or (
            takes(operation, NEGATIVE_SLOPE)
            and not take_scalar(negative_slope, type_number, dtype, &values[NEGATIVE_SLOPE])
        )
        or (
            takes(operation, AT_ZERO)
            and not take_scalar(at_zero, type_number, dtype, &values[AT_ZERO])
        )
    ):
        return None
    for k in range(OPERAND_COUNT):
        if k == OUT or takes(operation, k):
            operands.data[k] = <char*> &values[k]
    for k in (GRAD, X, Y, OUT):
        operands.stride[k] = itemsize(dtype)
    run(operation, dtype, &operands, 1, False, NO_BLOCK)
    return PyArray_Scalar(&values[OUT], cnp.PyArray_DescrFromType(type_number), NULL)


cdef inline bint is_sequence(object value) noexcept:
    return PyList_CheckExact(value) or PyTuple_CheckExact(value)


cdef bint are_plain(
    object grad, object x, object y, object negative_slope, object at_zero, object out
) noexcept:
    """Whether none of the operands might answer the call itself, and be given what came."""
    for value in (grad, x, y, negative_slope, at_zero, out):
        if not (
            value is None
            or is_sequence(value)
            or cnp.PyArray_CheckExact(value)
            or PyFloat_CheckExact(value)
            or PyLong_CheckExact(value)
            or number_of_scalar(value) != NPY_NOTYPE
        ):
            return False
    return True


cdef inline bint is_dtype_of(object x, object dtype) noexcept:
    """Whether dtype= asks for what an array has: its very dtype, or the type of its scalars."""
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef cnp.dtype own = <cnp.dtype> <void*> cnp.PyArray_DESCR(<cnp.ndarray> x)
    return dtype is own or <void*> dtype == <void*> own.typeobj


cdef inline object new_like(cnp.ndarray array, Py_ssize_t size, bint* is_new):
    """An array like this one; whether its memory is new, too."""
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


cdef inline bint is_contiguous(cnp.ndarray array) noexcept:
    """C- or F-contiguous, and not 0-d: such arrays give scalars."""
    return cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS and cnp.PyArray_NDIM(array) > 0


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


cdef inline bint is_same_or_disjoint(
    cnp.ndarray out, cnp.ndarray array, Py_ssize_t size
) noexcept:
    """Whether out is the very memory of the array, or shares none of it."""
    cdef char* a = cnp.PyArray_BYTES(out)
    cdef char* b = cnp.PyArray_BYTES(array)
    return a == b or a + size <= b or b + size <= a
