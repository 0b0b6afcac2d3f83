# Large views and broadcast operands, by threads. NumPy's ufuncs would do the same on one thread,
# and slower: NumPy's iterator is asked how the operands broadcast, which axes can be walked as one,
# what has to be copied because it overlaps out, and how a new out should lie; its own walk is not
# used.

cimport numpy as cnp
from libc.string cimport memset

from cyrelu._dispatch cimport MAX_DIMENSIONS, Rows, run_rows
from cyrelu._kept_memory cimport LEAST_KEPT_BYTES, begin_keeping, end_keeping, is_reused
from cyrelu._loops cimport GRAD, OPERAND_COUNT, OUT, X, Kernel, Operands
from cyrelu._operands cimport Factor, is_computable, take_factor

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
    void PyArray_DiscardWritebackIfCopy(cnp.ndarray)

cnp.import_array()

cdef enum:
    # Below, NumPy's own walk does as well: 200 ns for each row, but no 1000 ns of questions.
    LEAST_BYTES = 1 << 15
    # Of shorter ones NumPy's ufuncs put many into a buffer, which is faster than one by one.
    SHORT_ROW = 64


cdef object call_views(
    const Kernel* kernel, object grad, object x, object negative_slope, object at_zero, object out
):
    if not (cnp.PyArray_CheckExact(x) and is_computable(<cnp.ndarray> x)):
        return None
    cdef int type_number = cnp.PyArray_TYPE(<cnp.ndarray> x)
    cdef bint single = type_number == cnp.NPY_FLOAT
    cdef Factor factors[OPERAND_COUNT]
    cdef Operands operands
    memset(&operands, 0, sizeof(operands))

    # Python numbers are operands as they are; the arrays go through the iterator.
    cdef int taken[OPERAND_COUNT]
    cdef PyArrayObject* arrays[OPERAND_COUNT]
    cdef cnp.npy_uint32 flags[OPERAND_COUNT]
    cdef int count = 0, k = 0
    for value in (grad, x, negative_slope, at_zero, out):
        if k == OUT and value is None:
            arrays[count] = NULL
            flags[count] = NPY_ITER_WRITEONLY | NPY_ITER_ALLOCATE
        elif not kernel.takes[k]:
            k += 1
            continue
        elif k != GRAD and k != X and k != OUT and take_factor(value, single, &factors[k]):
            operands.data[k] = <char*> &factors[k]
            k += 1
            continue
        elif (
            cnp.PyArray_CheckExact(value)
            and cnp.PyArray_TYPE(<cnp.ndarray> value) == type_number
            and is_computable(<cnp.ndarray> value)
            and (k != OUT or cnp.PyArray_ISWRITEABLE(<cnp.ndarray> value))
        ):
            arrays[count] = <PyArrayObject*> value
            flags[count] = (
                NPY_ITER_WRITEONLY | NPY_ITER_NO_BROADCAST if k == OUT else NPY_ITER_READONLY
            )
        else:
            return None
        flags[count] |= NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
        taken[count] = k
        count += 1
        k += 1
    cdef Py_ssize_t largest = size_of_largest(arrays, count)
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    if largest < LEAST_BYTES // (count * item):  # broadcast: the product may be beyond all numbers
        return None

    cdef NpyIter* iterator
    before = begin_keeping() if largest >= LEAST_KEPT_BYTES // item else None
    try:
        iterator = NpyIter_MultiNew(
            count, arrays, NPY_ITER_COPY_IF_OVERLAP | NPY_ITER_ZEROSIZE_OK, cnp.NPY_KEEPORDER,
            cnp.NPY_NO_CASTING, flags, NULL,
        )
    except ValueError:
        return None  # the shapes do not fit: the ufunc will say so
    finally:
        end_keeping(before)
    cdef object result = <object> NpyIter_GetOperandArray(iterator)[count - 1]
    cdef bint out_is_new = out is None and not is_reused(<cnp.ndarray> result)
    cdef Rows rows
    cdef Py_ssize_t n
    try:
        n = walk(iterator, taken, count, &operands, &rows)
        if n < SHORT_ROW and rows.count > 1:
            # The copy that stands in for an overlapping out is empty: not to be copied back.
            PyArray_DiscardWritebackIfCopy(<cnp.ndarray> result)
            return None
        with nogil:
            run_rows(kernel, single, &operands, n, &rows, out_is_new)
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


cdef Py_ssize_t walk(
    NpyIter* iterator, const int* taken, int count, Operands* operands, Rows* rows
) except -1:
    """Fill in the operands of the first row, and the rows; returns the elements in a row."""
    cdef cnp.npy_intp[MAX_DIMENSIONS] shape
    cdef cnp.npy_intp* strides
    cdef int dimensions = NpyIter_GetNDim(iterator)
    cdef int axis, k
    NpyIter_GetShape(iterator, shape)
    memset(rows, 0, sizeof(rows[0]))
    for k in range(count):
        operands.data[taken[k]] = NpyIter_GetDataPtrArray(iterator)[k]
    if dimensions == 0 or NpyIter_GetIterSize(iterator) == 0:
        return 0
    # The iterator's axes come fastest first.
    rows.dimensions = dimensions - 1
    rows.count = 1
    for axis in range(dimensions):
        strides = NpyIter_GetAxisStrideArray(iterator, axis)
        for k in range(count):
            if axis == 0:
                operands.step[taken[k]] = strides[k]
            else:
                rows.step[axis - 1][taken[k]] = strides[k]
        if axis > 0:
            rows.count *= shape[axis]
            rows.shape[axis - 1] = shape[axis]
    return shape[0]
