# The out of a call over contiguous arrays: one that was given, or a new one.

cimport numpy as cnp
from cpython.object cimport PyObject

from cyrelu._dispatch.overlap cimport are_disjoint
from cyrelu._loops.operations cimport OUT
from cyrelu._loops.types cimport Call
from cyrelu._numpy.buffer_cache cimport (
    MIN_CACHED_BYTES,
    empty_cache,
    is_reused,
    start_caching,
    stop_caching,
)
from cyrelu._numpy.classification cimport Arguments, are_alike
from cyrelu._numpy.operands cimport is_native

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)


cdef inline bint use_out(PyObject** given, object out, Arguments* arguments) noexcept:
    """Take an out that is like the array, and of which each input is itself, or apart."""
    cdef cnp.ndarray array = <cnp.ndarray> given[arguments.shape_from]
    if not (
        cnp.PyArray_CheckExact(out)
        and cnp.PyArray_TYPE(<cnp.ndarray> out) == arguments.type_number
        and is_native(<cnp.ndarray> out)
        and are_alike(<cnp.ndarray> out, array)
        and cnp.PyArray_ISWRITEABLE(<cnp.ndarray> out)
    ):
        return False
    cdef Call* call = &arguments.call
    cdef char* data = cnp.PyArray_BYTES(<cnp.ndarray> out)
    cdef Py_ssize_t item = call.operands.stride[arguments.shape_from]
    cdef Py_ssize_t size = call.n * item
    cdef int k
    for k in range(OUT):
        if (
            call.operands.stride[k] != 0
            and call.operands.data[k] != data
            and not are_disjoint(call.operands.data[k], size, data, size)
        ):
            return False
    if arguments.rows:
        for k in range(OUT):
            if arguments.rows >> k & 1 and not are_disjoint(
                call.operands.data[k], cnp.PyArray_NBYTES(<cnp.ndarray> given[k]), data, size
            ):
                return False
    call.operands.data[OUT], call.operands.stride[OUT] = data, item
    return True


cdef inline object make_out(PyObject** given, Arguments* arguments):
    cdef cnp.ndarray array = <cnp.ndarray> given[arguments.shape_from]
    cdef Call* call = &arguments.call
    cdef Py_ssize_t item = call.operands.stride[arguments.shape_from]
    cdef object out
    if call.n * item >= MIN_CACHED_BYTES:
        out = new_large_out(array)
    else:
        try:
            out = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
        except MemoryError:
            if not empty_cache():
                raise
            out = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    call.out_is_new = call.n * item < MIN_CACHED_BYTES or not is_reused(<cnp.ndarray> out)
    call.operands.data[OUT] = cnp.PyArray_BYTES(<cnp.ndarray> out)
    call.operands.stride[OUT] = item
    return out


cdef inline object new_large_out(cnp.ndarray array):
    before = start_caching()
    try:
        return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    finally:
        stop_caching(before)
