# What every public function does: the fast path for what people pass nearly always (contiguous
# arrays, rows), small views, and threads for large strided and broadcast operands (strided.pyx),
# the ufunc for everything else (ufuncs.pyx). All end in the same dispatcher, so all give the same
# bits.

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport INFINITY

from cyrelu._dispatch.dispatch cimport run_elementwise
from cyrelu._dispatch.overlap cimport are_disjoint
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT, Operation, operation_name
from cyrelu._loops.types cimport Call, Rows
from cyrelu._numpy.classification cimport (
    ANY_CONTIGUOUS,
    CONTIGUOUS,
    FOR_UFUNC,
    ROWS,
    SCALARS,
    WITH_SEQUENCES,
    Arguments,
    Kind,
    classify,
)
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.outputs cimport make_out, use_out
from cyrelu._numpy.strided cimport call_strided, call_strided_where
from cyrelu._numpy.ufunc_calls cimport NOT_GIVEN, Keywords, are_defaults, call_ufunc
from cyrelu._platform.stable_abi cimport float_as_double

from cyrelu._numpy.from_output import refuse_slopes_that_lose_the_sign

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void* data, cnp.dtype descr, PyObject* base)

cnp.import_array()

cdef enum:
    RELEASE_GIL_ABOVE = 500  # elements; NumPy's own limit


cdef object call(Operation operation, PyObject** given, object out, const Keywords* keywords):
    cdef Arguments arguments
    cdef Kind kind = FOR_UFUNC
    cdef object result = None
    cdef object output = None if out is NOT_GIVEN else out
    if keywords == NULL or are_defaults(
        True, <object> keywords.casting, <object> keywords.order, None, <object> keywords.subok
    ):
        kind = classify(operation, given, &arguments)
    if kind == WITH_SEQUENCES:
        if output is None or cnp.PyArray_CheckExact(output):  # none that might answer the call
            return call_with_arrays(operation, given, out, keywords)
    elif kind != FOR_UFUNC and (
        keywords == NULL
        or <object> keywords.dtype is None
        or is_dtype_of(<object> given[arguments.shape_from], <object> keywords.dtype)
    ):
        if keywords != NULL and <object> keywords.where is not True:
            result = call_where(given, output, <object> keywords.where, kind, &arguments)
        elif kind == SCALARS:
            if output is None:
                result = call_scalars(&arguments)
        else:
            if kind == CONTIGUOUS:
                result = call_contiguous(given, output, &arguments)
            elif kind == ROWS:
                result = call_rows(given, output, &arguments)
            if result is None:
                result = call_strided(given, output, &arguments)
        if result is not None:
            return result
    return call_ufunc(operation, given, out, keywords)


cdef inline object call_contiguous(PyObject** given, object out, Arguments* arguments):
    """The fast path; None, and nothing done, where out is not like the inputs, or overlaps one."""
    cdef Call* call = &arguments.call
    if out is None:
        out = make_out(given, arguments)
    elif not use_out(given, out, arguments):
        return None
    call.is_plain = arguments.are_plain
    if call.n > RELEASE_GIL_ABOVE:
        call.block_limit = context_limit()
        with nogil:
            run_elementwise(call)
    else:
        run_elementwise(call)
    return out


cdef object call_rows(PyObject** given, object out, Arguments* arguments):
    """The same with operands that are one row for all rows: a bias, slopes."""
    cdef Call* call = &arguments.call
    cdef cnp.ndarray array = <cnp.ndarray> given[arguments.shape_from]
    cdef Py_ssize_t item = call.operands.stride[arguments.shape_from]
    cdef Rows rows
    cdef int k
    if out is None:
        out = make_out(given, arguments)
    elif not use_out(given, out, arguments):
        return None
    if call.n > RELEASE_GIL_ABOVE:
        call.block_limit = context_limit()
    call.rows = &rows
    rows.ndim = 1
    rows.count = cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 1)
    call.n, rows.count = rows.count, call.n // rows.count
    rows.shape[0] = rows.count
    for k in range(OPERAND_COUNT):
        rows.stride[0][k] = call.n * call.operands.stride[k]
        if arguments.rows >> k & 1:
            call.operands.stride[k] = item
    with nogil:
        run_elementwise(call)
    return out


cdef object call_where(
    PyObject** given, object out, object mask, Kind kind, Arguments* arguments
):
    """A call with a mask, and an out; None for other operands."""
    cdef Call* call = &arguments.call
    cdef cnp.ndarray array = <cnp.ndarray> given[arguments.shape_from]
    if kind == SCALARS or out is None or not cnp.PyArray_CheckExact(mask):
        return None
    if not (
        kind == CONTIGUOUS
        and use_out(given, out, arguments)
        and is_mask_of(<cnp.ndarray> mask, array)
        and are_disjoint(
            cnp.PyArray_BYTES(<cnp.ndarray> mask),
            call.n,
            call.operands.data[OUT],
            call.n * call.operands.stride[OUT],
        )
    ):
        return call_strided_where(given, out, mask, arguments)
    call.where = <const unsigned char*> cnp.PyArray_BYTES(<cnp.ndarray> mask)
    with nogil:
        run_elementwise(call)
    return out


cdef inline bint is_mask_of(cnp.ndarray mask, cnp.ndarray array) noexcept:
    """Whether it has a bool for each element of a contiguous array."""
    return (
        cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
        and cnp.PyArray_FLAGS(mask) & cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS
        and cnp.PyArray_SAMESHAPE(mask, array)
    )


cdef object call_scalars(Arguments* arguments):
    """A NumPy scalar for scalars: Python numbers, NumPy scalars, arrays without dimensions."""
    run_elementwise(&arguments.call)
    return PyArray_Scalar(
        &arguments.scalars[OUT], cnp.PyArray_DescrFromType(arguments.type_number), NULL
    )


cdef object call_with_arrays(
    Operation operation, PyObject** given, object out, const Keywords* keywords
):
    """The call with an array for each list and tuple."""
    cdef PyObject* arrays[OUT]
    cdef int k
    cdef list owned = []
    for k in range(OUT):
        arrays[k] = given[k]
        if given[k] != NULL and (
            PyList_CheckExact(<object> given[k]) or PyTuple_CheckExact(<object> given[k])
        ):
            owned.append(cnp.PyArray_FROM_O(<object> given[k]))
            arrays[k] = <PyObject*> owned[-1]
    return call(operation, arrays, out, keywords)


cdef object check_slope(Operation operation, object negative_slope):
    if not (
        PyFloat_CheckExact(negative_slope) and 0 < float_as_double(negative_slope) < INFINITY
    ):
        refuse_slopes_that_lose_the_sign(operation_name(operation).decode(), negative_slope)
    return negative_slope


cdef inline bint is_dtype_of(object x, object dtype) noexcept:
    """Whether dtype= asks for what an array has: its very dtype, or the type of its scalars."""
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef cnp.dtype own = <cnp.dtype> <void*> cnp.PyArray_DESCR(<cnp.ndarray> x)
    return dtype is own or <void*> dtype == <void*> own.typeobj
