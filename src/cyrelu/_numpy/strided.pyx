# Large arrays of arbitrary strides and broadcast operands, with threads. NumPy's ufuncs would do
# the same on one thread, and slower. NumPy's iterator decides how the operands broadcast, which
# axes coalesce, what has to be copied because it overlaps out, and the memory order of a new out;
# its own iteration is not used.

cimport numpy as cnp
from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport MAX_NDIM, Rows, run_rows
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT, Operation, Y, takes
from cyrelu._loops.types cimport Operands, is_factor
from cyrelu._numpy.buffer_cache cimport MIN_CACHED_BYTES, is_reused, start_caching, stop_caching
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport dtype_of, has_loop, is_native, take_scalar
from cyrelu._numpy.scalars cimport Scalar

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
    int NpyIter_Deallocate(NpyIter*) except 0
    int NpyIter_GetNDim(NpyIter*)
    int NpyIter_GetShape(NpyIter*, cnp.npy_intp*) except 0
    cnp.npy_intp NpyIter_GetIterSize(NpyIter*)
    cnp.npy_intp* NpyIter_GetAxisStrideArray(NpyIter*, int) except NULL
    char** NpyIter_GetDataPtrArray(NpyIter*)
    PyArrayObject** NpyIter_GetOperandArray(NpyIter*)

cnp.import_array()

cdef enum:
    # Below, NumPy's own iteration does as well: 200 ns for each row, but no 1000 ns to set up.
    MIN_BYTES = 1 << 15


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
    memset(&operands, 0, sizeof(operands))

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
        return None

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
