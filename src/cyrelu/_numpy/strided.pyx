# Small views, and large arrays of arbitrary strides and broadcast operands, with threads. NumPy's
# ufuncs would do the same on one thread, and slower. For the large ones NumPy's iterator decides
# how the operands broadcast, which axes coalesce, what has to be copied because it overlaps out,
# and the memory order of a new out; its own iteration is not used.

cimport numpy as cnp
from cpython.object cimport PyObject
from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport run_elementwise
from cyrelu._dispatch.overlap cimport absolute, are_disjoint
from cyrelu._loops.dtypes cimport itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT
from cyrelu._loops.types cimport MAX_NDIM, Call, Rows
from cyrelu._numpy.buffer_cache cimport MIN_CACHED_BYTES, is_reused, start_caching, stop_caching
from cyrelu._numpy.classification cimport Arguments, broadcasts_to
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport is_native

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


# The arrays of a call, in the order of the operands. The last one is out, NULL if it is to be made.
cdef struct Arrays:
    int count
    PyArrayObject* array[OPERAND_COUNT]
    int operand[OPERAND_COUNT]


cdef object call_strided(PyObject** given, object out, Arguments* arguments):
    cdef Call* call = &arguments.call
    cdef Py_ssize_t item = itemsize(call.dtype)
    cdef Py_ssize_t largest = cnp.PyArray_SIZE(<cnp.ndarray> given[arguments.shape_from])
    cdef Arrays arrays
    cdef int k
    if out is not None and not (
        cnp.PyArray_CheckExact(out)
        and cnp.PyArray_TYPE(<cnp.ndarray> out) == arguments.type_number
        and is_native(<cnp.ndarray> out)
        and cnp.PyArray_ISWRITEABLE(<cnp.ndarray> out)
    ):
        return None
    arrays.count = 0
    for k in range(OUT):
        if arguments.arrays >> k & 1:
            arrays.array[arrays.count] = <PyArrayObject*> given[k]
            arrays.operand[arrays.count] = k
            arrays.count += 1
    arrays.array[arrays.count] = NULL if out is None else <PyArrayObject*> out
    arrays.operand[arrays.count] = OUT
    arrays.count += 1
    for k in range(arrays.count):
        if arrays.array[k] != NULL:
            largest = max(largest, cnp.PyArray_SIZE(<cnp.ndarray> arrays.array[k]))
    # Broadcast, the product may exceed all numbers.
    if largest < MIN_BYTES // (arrays.count * item):
        return call_small(call, &arrays, <cnp.ndarray> given[arguments.shape_from], out)
    return call_large(call, &arrays, largest, out)


cdef object call_large(Call* call, Arrays* arrays, Py_ssize_t largest, object out):
    cdef cnp.npy_uint32[OPERAND_COUNT] flags
    cdef NpyIter* iterator
    cdef Rows rows
    cdef int last = arrays.count - 1
    cdef int k
    for k in range(last):
        flags[k] = NPY_ITER_READONLY | NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
    flags[last] = NPY_ITER_WRITEONLY | NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
    flags[last] |= NPY_ITER_ALLOCATE if out is None else NPY_ITER_NO_BROADCAST
    before = start_caching() if largest >= MIN_CACHED_BYTES // itemsize(call.dtype) else None
    try:
        iterator = NpyIter_MultiNew(
            arrays.count, arrays.array, NPY_ITER_COPY_IF_OVERLAP | NPY_ITER_ZEROSIZE_OK,
            cnp.NPY_KEEPORDER, cnp.NPY_NO_CASTING, flags, NULL,
        )
    except (ValueError, MemoryError):
        return None  # the shapes do not broadcast, or no memory is left: the ufunc will say so
    finally:
        stop_caching(before)
    cdef object result = <object> NpyIter_GetOperandArray(iterator)[last]
    call.out_is_new = out is None and not is_reused(<cnp.ndarray> result)
    try:
        call.n = read_rows(iterator, arrays, call, &rows)
        call.block_limit = context_limit()
        with nogil:
            run_elementwise(call)
    finally:
        NpyIter_Deallocate(iterator)  # copies back what overlapped
    return result if out is None else out


cdef object call_strided_where(PyObject** given, object out, object where, Arguments* arguments):
    if not cnp.PyArray_CheckExact(out):
        return None
    cdef cnp.ndarray output = <cnp.ndarray> out
    cdef cnp.ndarray mask = <cnp.ndarray> where
    cdef object result
    if not (
        cnp.PyArray_TYPE(output) == arguments.type_number
        and cnp.PyArray_ISWRITEABLE(output)
        and cnp.PyArray_SAMESHAPE(output, <cnp.ndarray> given[arguments.shape_from])
        and cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
        and cnp.PyArray_SAMESHAPE(mask, output)
        and is_same_or_apart(mask, output)
    ):
        return None
    result = call_strided(given, None, arguments)
    if result is None or not cnp.PyArray_SAMESHAPE(<cnp.ndarray> result, output):
        return None
    copyto(output, result, where=where)
    return out


cdef object call_small(Call* call, Arrays* arrays, cnp.ndarray x, object out):
    """Operands that broadcast to x, and an out that is an input or shares no memory with one.

    None for all others.
    """
    cdef cnp.ndarray result, array
    cdef Rows rows
    cdef Py_ssize_t stride
    cdef int ndim = cnp.PyArray_NDIM(x)
    cdef int inner = ndim - 1
    cdef int last = arrays.count - 1
    cdef int axis, k, shift
    if cnp.PyArray_SIZE(x) == 0:
        return None
    for axis in range(ndim):
        if cnp.PyArray_STRIDE(x, axis) == 0 and cnp.PyArray_DIM(x, axis) > 1:
            return None  # NumPy has its own order for what it makes of a broadcast array
    for k in range(last):
        array = <cnp.ndarray> arrays.array[k]
        if not broadcasts_to(array, x):
            return None
        if not (
            agree_in_order(array, x) if out is None else is_same_or_apart(array, <cnp.ndarray> out)
        ):
            return None
    if out is not None and (
        not cnp.PyArray_SAMESHAPE(<cnp.ndarray> out, x) or may_overlap_itself(<cnp.ndarray> out)
    ):
        return None
    result = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, NULL, False) if out is None else out
    arrays.array[last] = <PyArrayObject*> result
    for axis in range(ndim - 1, -1, -1):  # along which out is closest to contiguous
        if cnp.PyArray_DIM(x, axis) > 1 and (
            cnp.PyArray_DIM(x, inner) == 1
            or absolute(cnp.PyArray_STRIDE(result, axis))
            < absolute(cnp.PyArray_STRIDE(result, inner))
        ):
            inner = axis
    call.n = cnp.PyArray_DIM(x, inner)
    call.rows = &rows
    rows.count = 1
    rows.ndim = 0
    for axis in range(ndim - 1, -1, -1):
        if axis != inner and cnp.PyArray_DIM(x, axis) == 1:
            continue
        if axis != inner:
            memset(rows.stride[rows.ndim], 0, sizeof(rows.stride[0]))
        for k in range(arrays.count):
            array = <cnp.ndarray> arrays.array[k]
            shift = axis - ndim + cnp.PyArray_NDIM(array)
            stride = 0
            if shift >= 0 and cnp.PyArray_DIM(array, shift) > 1:
                stride = cnp.PyArray_STRIDE(array, shift)
            call.operands.data[arrays.operand[k]] = cnp.PyArray_BYTES(array)
            if axis == inner:
                call.operands.stride[arrays.operand[k]] = stride
            else:
                rows.stride[rows.ndim][arrays.operand[k]] = stride
        if axis != inner:
            rows.shape[rows.ndim] = cnp.PyArray_DIM(x, axis)
            rows.count *= rows.shape[rows.ndim]
            rows.ndim += 1
    if call.n == 1:
        # That of a single element may be anything.
        call.operands.stride[OUT] = itemsize(call.dtype)
    call.out_is_new = out is None
    with nogil:
        run_elementwise(call)
    return result


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
    cdef Py_ssize_t size[2]
    cdef cnp.ndarray each
    cdef Py_ssize_t reach
    cdef bint same = (
        cnp.PyArray_BYTES(array) == cnp.PyArray_BYTES(out) and cnp.PyArray_SAMESHAPE(array, out)
    )
    cdef int axis, k
    for k in range(2):
        each = array if k == 0 else out
        start[k], size[k] = cnp.PyArray_BYTES(each), cnp.PyArray_ITEMSIZE(each)
        for axis in range(cnp.PyArray_NDIM(each)):
            reach = (cnp.PyArray_DIM(each, axis) - 1) * cnp.PyArray_STRIDE(each, axis)
            start[k] += min(reach, 0)
            size[k] += absolute(reach)
            same = same and cnp.PyArray_STRIDE(array, axis) == cnp.PyArray_STRIDE(out, axis)
    return same or are_disjoint(start[0], size[0], start[1], size[1])


cdef Py_ssize_t read_rows(
    NpyIter* iterator, const Arrays* arrays, Call* call, Rows* rows
) except -1:
    """Fill in the operands of the first row, and the rows; returns the elements in a row."""
    cdef cnp.npy_intp[MAX_NDIM] shape
    cdef cnp.npy_intp* strides
    cdef int ndim = NpyIter_GetNDim(iterator)
    cdef int axis, k
    NpyIter_GetShape(iterator, shape)
    call.rows = rows
    rows.count = 1
    rows.ndim = max(ndim - 1, 0)
    for k in range(arrays.count):
        call.operands.data[arrays.operand[k]] = NpyIter_GetDataPtrArray(iterator)[k]
    if ndim == 0 or NpyIter_GetIterSize(iterator) == 0:
        return 0
    # The iterator's axes come fastest first.
    for axis in range(ndim):
        strides = NpyIter_GetAxisStrideArray(iterator, axis)
        if axis > 0:
            memset(rows.stride[axis - 1], 0, sizeof(rows.stride[0]))
            rows.count *= shape[axis]
            rows.shape[axis - 1] = shape[axis]
        for k in range(arrays.count):
            if axis == 0:
                call.operands.stride[arrays.operand[k]] = strides[k]
            else:
                rows.stride[axis - 1][arrays.operand[k]] = strides[k]
    return shape[0]
