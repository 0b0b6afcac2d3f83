# Rows, small views, and large arrays of arbitrary strides and broadcast operands, with threads.
# NumPy's ufuncs would do the same on one thread, and slower. For the large ones NumPy's iterator
# decides how the operands broadcast, which axes coalesce, what has to be copied because it overlaps
# out, and the memory order of a new out; its own iteration is not used.

cimport numpy as cnp
from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport MAX_NDIM, Rows, run_rows
from cyrelu._dispatch.threads cimport NO_BLOCK
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport NEGATIVE_SLOPE, OPERAND_COUNT, OUT, Operation, Y, takes
from cyrelu._loops.types cimport Operands, clear, is_factor
from cyrelu._numpy.buffer_cache cimport MIN_CACHED_BYTES, is_reused, start_caching, stop_caching
from cyrelu._numpy.contiguous cimport (
    RELEASE_GIL_ABOVE,
    ContiguousCall,
    take_inputs,
    take_new_out,
    take_out,
)
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport are_disjoint, dtype_of, has_loop, is_native, take_scalar
from cyrelu._numpy.scalars cimport Scalar

from numpy import copyto

cdef extern from "numpy/arrayobject.h":
    ctypedef struct NpyIter:
        pass
    ctypedef struct PyArrayObject:
        pass
    ctypedef struct PyArray_Descr:
        pass
    cnp.npy_uint32 NPY_ITER_ALLOCATE
    cnp.npy_uint32 NPY_ITER_COPY_IF_OVERLAP
    cnp.npy_uint32 NPY_ITER_NO_BROADCAST
    cnp.npy_uint32 NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
    cnp.npy_uint32 NPY_ITER_READONLY
    cnp.npy_uint32 NPY_ITER_WRITEONLY
    cnp.npy_uint32 NPY_ITER_ZEROSIZE_OK
    NpyIter* NpyIter_MultiNew(
        int nop, PyArrayObject** op, cnp.npy_uint32 flags, cnp.NPY_ORDER order,
        cnp.NPY_CASTING casting, cnp.npy_uint32* op_flags, PyArray_Descr** op_dtypes,
    ) except NULL
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)
    int NpyIter_Deallocate(NpyIter*) except 0
    int NpyIter_GetNDim(NpyIter*)
    int NpyIter_GetShape(NpyIter*, cnp.npy_intp*) except 0
    cnp.npy_intp NpyIter_GetIterSize(NpyIter*)
    cnp.npy_intp* NpyIter_GetAxisStrideArray(NpyIter*, int) except NULL
    char** NpyIter_GetDataPtrArray(NpyIter*)
    PyArrayObject** NpyIter_GetOperandArray(NpyIter*)

cnp.import_array()

cdef enum:
    # Below, an iterator is not worth the microsecond that it takes to set up.
    MIN_BYTES = 1 << 15


cdef object call_rows(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
):
    cdef ContiguousCall call
    cdef Rows rows
    cdef Py_ssize_t columns
    cdef int block_limit = NO_BLOCK
    cdef bint out_is_new = False
    cdef int k
    if (
        not take_inputs(operation, grad, x, y, negative_slope, at_zero, True, &call)
        or call.one_row == 0
    ):
        return None
    if out is None:
        out = take_new_out(<cnp.ndarray> x, &call, &out_is_new)
    elif not (
        take_out(out, <cnp.ndarray> x, &call)
        and (not call.one_row >> Y & 1 or are_disjoint(<cnp.ndarray> y, <cnp.ndarray> out))
        and (
            not call.one_row >> NEGATIVE_SLOPE & 1
            or are_disjoint(<cnp.ndarray> negative_slope, <cnp.ndarray> out)
        )
    ):
        return None
    columns = cnp.PyArray_DIM(<cnp.ndarray> x, cnp.PyArray_NDIM(<cnp.ndarray> x) - 1)
    rows.count = rows.shape[0] = call.n // columns
    rows.ndim = 1
    for k in range(OPERAND_COUNT):
        rows.stride[0][k] = columns * call.operands.stride[k]
        if call.one_row >> k & 1:
            rows.stride[0][k], call.operands.stride[k] = 0, itemsize(call.dtype)
    if call.n > RELEASE_GIL_ABOVE:
        block_limit = context_limit()
    with nogil:
        run_rows(
            operation, call.dtype, &call.operands, columns, &rows, out_is_new, block_limit
        )
    return out


cdef object call_strided(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
):
    if not cnp.PyArray_CheckExact(x):
        return None
    cdef Dtype dtype = dtype_of(<cnp.ndarray> x)
    if not has_loop(operation, dtype):
        return None
    cdef int type_number = cnp.PyArray_TYPE(<cnp.ndarray> x)
    cdef Scalar factors[OPERAND_COUNT]
    cdef Operands operands
    clear(&operands)

    # Python numbers are operands as they are; the arrays go through the iterator.
    cdef int operand_of[OPERAND_COUNT]
    cdef PyArrayObject* arrays[OPERAND_COUNT]
    cdef cnp.npy_uint32 flags[OPERAND_COUNT]
    cdef int count = 0, k = -1
    for value in (grad, x, y, negative_slope, at_zero, out):
        k += 1
        if k == OUT and value is None:
            arrays[count] = NULL
            flags[count] = NPY_ITER_WRITEONLY | NPY_ITER_ALLOCATE
        elif k != OUT and not takes(operation, k):
            continue
        elif (is_factor(k) or k == Y) and take_scalar(value, type_number, dtype, &factors[k]):
            operands.data[k] = <char*> &factors[k]
            continue
        elif (
            cnp.PyArray_CheckExact(value)
            and cnp.PyArray_TYPE(<cnp.ndarray> value) == type_number
            and is_native(<cnp.ndarray> value)
            and (k != OUT or cnp.PyArray_ISWRITEABLE(<cnp.ndarray> value))
        ):
            arrays[count] = <PyArrayObject*> value
            flags[count] = (
                NPY_ITER_WRITEONLY | NPY_ITER_NO_BROADCAST if k == OUT else NPY_ITER_READONLY
            )
        else:
            return None
        flags[count] |= NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
        operand_of[count] = k
        count += 1
    cdef Py_ssize_t largest = size_of_largest(arrays, count)
    cdef Py_ssize_t item = itemsize(dtype)
    if largest < MIN_BYTES // (count * item):  # broadcast: the product may exceed all numbers
        return call_small(
            operation, dtype, &operands, arrays, operand_of, count, <cnp.ndarray> x, out
        )

    cdef NpyIter* iterator
    before = start_caching() if largest >= MIN_CACHED_BYTES // item else None
    try:
        iterator = NpyIter_MultiNew(
            count, arrays, NPY_ITER_COPY_IF_OVERLAP | NPY_ITER_ZEROSIZE_OK, cnp.NPY_KEEPORDER,
            cnp.NPY_NO_CASTING, flags, NULL,
        )
    except (ValueError, MemoryError):
        return None  # the shapes do not broadcast, or no memory is left: the ufunc will say so
    finally:
        stop_caching(before)
    cdef object result = <object> NpyIter_GetOperandArray(iterator)[count - 1]
    cdef bint out_is_new = out is None and not is_reused(<cnp.ndarray> result)
    cdef Rows rows
    cdef Py_ssize_t n
    cdef int block_limit
    try:
        n = take_rows(iterator, operand_of, count, &operands, &rows)
        block_limit = context_limit()
        with nogil:
            run_rows(operation, dtype, &operands, n, &rows, out_is_new, block_limit)
    finally:
        NpyIter_Deallocate(iterator)  # copies back what overlapped
    return result if out is None else out


cdef object call_strided_where(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
):
    if not (
        cnp.PyArray_CheckExact(x) and cnp.PyArray_CheckExact(out) and cnp.PyArray_CheckExact(where)
    ):
        return None
    cdef cnp.ndarray output = <cnp.ndarray> out
    cdef cnp.ndarray mask = <cnp.ndarray> where
    cdef object result
    if not (
        cnp.PyArray_TYPE(output) == cnp.PyArray_TYPE(<cnp.ndarray> x)
        and cnp.PyArray_ISWRITEABLE(output)
        and cnp.PyArray_SAMESHAPE(output, <cnp.ndarray> x)
        and cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
        and cnp.PyArray_SAMESHAPE(mask, output)
        and is_same_or_apart(mask, output)
    ):
        return None
    result = call_strided(operation, grad, x, y, negative_slope, at_zero, None)
    if result is None or not cnp.PyArray_SAMESHAPE(<cnp.ndarray> result, output):
        return None
    copyto(output, result, where=where)
    return out


cdef object call_small(
    Operation operation,
    Dtype dtype,
    Operands* operands,
    PyArrayObject** arrays,
    const int* operand_of,
    int count,
    cnp.ndarray x,
    object out,
):
    """Operands that broadcast to x, and an out that is an input or shares no memory with one.

    None for all others.
    """
    cdef cnp.ndarray result, array
    cdef Rows rows
    cdef Py_ssize_t n, stride
    cdef int ndim = cnp.PyArray_NDIM(x)
    cdef int inner = ndim - 1
    cdef int axis, k, shift
    if ndim == 0 or cnp.PyArray_SIZE(x) == 0:
        return None
    for axis in range(ndim):
        if cnp.PyArray_STRIDE(x, axis) == 0 and cnp.PyArray_DIM(x, axis) > 1:
            return None  # NumPy has its own order for what it makes of a broadcast array
    for k in range(count):
        if arrays[k] == NULL:
            continue
        array = <cnp.ndarray> arrays[k]
        if operand_of[k] == OUT:
            if not cnp.PyArray_SAMESHAPE(array, x) or may_overlap_itself(array):
                return None
        elif not broadcasts_to(array, x):
            return None
        elif not (
            agree_in_order(array, x) if out is None else is_same_or_apart(array, <cnp.ndarray> out)
        ):
            return None
    result = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, NULL, False) if out is None else out
    arrays[count - 1] = <PyArrayObject*> result
    for axis in range(ndim - 1, -1, -1):  # along which out is closest to contiguous
        if cnp.PyArray_DIM(x, axis) > 1 and (
            cnp.PyArray_DIM(x, inner) == 1
            or absolute(cnp.PyArray_STRIDE(result, axis))
            < absolute(cnp.PyArray_STRIDE(result, inner))
        ):
            inner = axis
    n = cnp.PyArray_DIM(x, inner)
    rows.count = 1
    rows.ndim = 0
    for axis in range(ndim - 1, -1, -1):
        if axis != inner and cnp.PyArray_DIM(x, axis) == 1:
            continue
        if axis != inner:
            memset(rows.stride[rows.ndim], 0, sizeof(rows.stride[0]))
        for k in range(count):
            array = <cnp.ndarray> arrays[k]
            shift = axis - ndim + cnp.PyArray_NDIM(array)
            stride = 0
            if shift >= 0 and cnp.PyArray_DIM(array, shift) > 1:
                stride = cnp.PyArray_STRIDE(array, shift)
            operands.data[operand_of[k]] = cnp.PyArray_BYTES(array)
            if axis == inner:
                operands.stride[operand_of[k]] = stride
            else:
                rows.stride[rows.ndim][operand_of[k]] = stride
        if axis != inner:
            rows.shape[rows.ndim] = cnp.PyArray_DIM(x, axis)
            rows.count *= rows.shape[rows.ndim]
            rows.ndim += 1
    if n == 1:
        operands.stride[OUT] = itemsize(dtype)  # as that of a single element may be anything
    with nogil:
        run_rows(operation, dtype, operands, n, &rows, out is None, NO_BLOCK)
    return result


cdef inline Py_ssize_t absolute(Py_ssize_t stride) noexcept:
    return -stride if stride < 0 else stride


cdef bint broadcasts_to(cnp.ndarray array, cnp.ndarray x) noexcept:
    cdef int missing = cnp.PyArray_NDIM(x) - cnp.PyArray_NDIM(array)
    cdef int axis
    if missing < 0:
        return False
    for axis in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, axis) not in (1, cnp.PyArray_DIM(x, missing + axis)):
            return False
    return True


cdef bint agree_in_order(cnp.ndarray array, cnp.ndarray x) noexcept:
    """Whether it has no two axes in another order than x: the order of a new out is then x's."""
    cdef int ndim = cnp.PyArray_NDIM(array)
    cdef int missing = cnp.PyArray_NDIM(x) - ndim
    cdef int one, other
    cdef Py_ssize_t here, there
    for one in range(ndim):
        for other in range(one):
            if cnp.PyArray_DIM(array, one) > 1 and cnp.PyArray_DIM(array, other) > 1:
                here = absolute(cnp.PyArray_STRIDE(array, one))
                here -= absolute(cnp.PyArray_STRIDE(array, other))
                there = absolute(cnp.PyArray_STRIDE(x, missing + one))
                there -= absolute(cnp.PyArray_STRIDE(x, missing + other))
                if (here < 0) != (there < 0):
                    return False
    return True


cdef bint may_overlap_itself(cnp.ndarray out) noexcept:
    """Whether elements may share memory: each axis has to step over all that shorter ones reach."""
    cdef int ndim = cnp.PyArray_NDIM(out)
    cdef Py_ssize_t step, reach
    cdef int axis, other
    for axis in range(ndim):
        step = absolute(cnp.PyArray_STRIDE(out, axis))
        reach = cnp.PyArray_ITEMSIZE(out)
        for other in range(ndim):
            if absolute(cnp.PyArray_STRIDE(out, other)) < step or (
                absolute(cnp.PyArray_STRIDE(out, other)) == step and other < axis
            ):
                reach += (cnp.PyArray_DIM(out, other) - 1) * absolute(
                    cnp.PyArray_STRIDE(out, other)
                )
        if cnp.PyArray_DIM(out, axis) > 1 and step < reach:
            return True
    return False


cdef bint is_same_or_apart(cnp.ndarray array, cnp.ndarray out) noexcept:
    """Whether they have the same elements in memory, or lie in different parts of it."""
    cdef char* start[2]
    cdef char* stop[2]
    cdef cnp.ndarray each
    cdef Py_ssize_t reach
    cdef bint same = (
        cnp.PyArray_BYTES(array) == cnp.PyArray_BYTES(out) and cnp.PyArray_SAMESHAPE(array, out)
    )
    cdef int axis, k
    for k in range(2):
        each = array if k == 0 else out
        start[k] = cnp.PyArray_BYTES(each)
        stop[k] = start[k] + cnp.PyArray_ITEMSIZE(each)
        for axis in range(cnp.PyArray_NDIM(each)):
            reach = (cnp.PyArray_DIM(each, axis) - 1) * cnp.PyArray_STRIDE(each, axis)
            start[k] += min(reach, 0)
            stop[k] += max(reach, 0)
            same = same and cnp.PyArray_STRIDE(array, axis) == cnp.PyArray_STRIDE(out, axis)
    return same or stop[0] <= start[1] or stop[1] <= start[0]


cdef Py_ssize_t size_of_largest(PyArrayObject** arrays, int count) noexcept:
    cdef Py_ssize_t largest = 0
    cdef int k
    for k in range(count):
        if arrays[k] != NULL:
            largest = max(largest, cnp.PyArray_SIZE(<cnp.ndarray> arrays[k]))
    return largest


cdef Py_ssize_t take_rows(
    NpyIter* iterator, const int* operand_of, int count, Operands* operands, Rows* rows
) except -1:
    """Fill in the operands of the first row, and the rows; returns the elements in a row."""
    cdef cnp.npy_intp[MAX_NDIM] shape
    cdef cnp.npy_intp* strides
    cdef int ndim = NpyIter_GetNDim(iterator)
    cdef int axis, k
    NpyIter_GetShape(iterator, shape)
    memset(rows, 0, sizeof(rows[0]))
    for k in range(count):
        operands.data[operand_of[k]] = NpyIter_GetDataPtrArray(iterator)[k]
    if ndim == 0 or NpyIter_GetIterSize(iterator) == 0:
        return 0
    # The iterator's axes come fastest first.
    rows.ndim = ndim - 1
    rows.count = 1
    for axis in range(ndim):
        strides = NpyIter_GetAxisStrideArray(iterator, axis)
        for k in range(count):
            if axis == 0:
                operands.stride[operand_of[k]] = strides[k]
            else:
                rows.stride[axis - 1][operand_of[k]] = strides[k]
        if axis > 0:
            rows.count *= shape[axis]
            rows.shape[axis - 1] = shape[axis]
    return shape[0]
