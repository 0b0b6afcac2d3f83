# How operands share memory, by the bytes that they extend over.

from cyrelu._loops.operations cimport OUT
from cyrelu._loops.types cimport Operands


cdef inline bint are_disjoint(
    const char* one, Py_ssize_t size, const char* other, Py_ssize_t other_size
) noexcept nogil:
    return one + size <= other or other + other_size <= one


cdef inline bint is_elementwise(
    const Operands* operands, Py_ssize_t n, Py_ssize_t item
) noexcept nogil:
    """Whether no element of out is read for another one, as a ufunc's reduce and accumulate do.

    Each input then is out itself, or shares no memory with it.
    """
    cdef Py_ssize_t stride = operands.stride[OUT]
    cdef char* out = operands.data[OUT] + min((n - 1) * stride, 0)
    cdef Py_ssize_t size = absolute((n - 1) * stride) + item
    cdef Py_ssize_t reach
    cdef char* data
    cdef int k
    if n > 1 and absolute(stride) < item:
        return False
    for k in range(OUT):
        data = operands.data[k]
        if data == NULL:
            continue
        if data == operands.data[OUT] and operands.stride[k] == stride:
            continue
        reach = (n - 1) * operands.stride[k]
        if not are_disjoint(data + min(reach, 0), absolute(reach) + item, out, size) and not (
            operands.stride[k] == stride
            and are_interleaved(data - operands.data[OUT], stride, item)
        ):
            return False
    return True


cdef inline Py_ssize_t absolute(Py_ssize_t stride) noexcept nogil:
    return -stride if stride < 0 else stride


cdef inline bint are_interleaved(
    Py_ssize_t distance, Py_ssize_t stride, Py_ssize_t item
) noexcept nogil:
    """Whether two operands of one stride, at this distance, are disjoint, as two columns are."""
    cdef Py_ssize_t length = absolute(stride)
    cdef Py_ssize_t between = distance % length
    if between < 0:
        between += length
    return item <= between <= length - item
