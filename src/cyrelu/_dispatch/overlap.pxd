# How out and the inputs of a call share memory.

from cyrelu._loops.operations cimport OUT
from cyrelu._loops.types cimport Operands


cdef inline bint is_elementwise(
    const Operands* operands, Py_ssize_t n, Py_ssize_t item
) noexcept nogil:
    """Whether no element of out is read for another one, as a ufunc's reduce and accumulate do.

    Each input then is out itself, or shares no memory with it.
    """
    cdef char* out = operands.data[OUT]
    cdef Py_ssize_t out_stride = operands.stride[OUT]
    cdef Py_ssize_t out_extent = (n - 1) * out_stride
    cdef Py_ssize_t extent
    cdef char* data
    cdef int k
    if n > 1 and -item < out_stride < item:
        return False
    for k in range(OUT):
        data = operands.data[k]
        if data == NULL:
            continue
        if data == out and operands.stride[k] == out_stride:
            continue
        extent = (n - 1) * operands.stride[k]
        if (
            data + min(extent, 0) < out + max(out_extent, 0) + item
            and out + min(out_extent, 0) < data + max(extent, 0) + item
            and not (
                operands.stride[k] == out_stride and are_interleaved(data - out, out_stride, item)
            )
        ):
            return False
    return True


cdef inline bint are_interleaved(
    Py_ssize_t distance, Py_ssize_t stride, Py_ssize_t item
) noexcept nogil:
    """Whether two operands of one stride, at this distance, are disjoint, as two columns are."""
    cdef Py_ssize_t length = stride if stride > 0 else -stride
    cdef Py_ssize_t between = distance % length
    if between < 0:
        between += length
    return item <= between <= length - item
