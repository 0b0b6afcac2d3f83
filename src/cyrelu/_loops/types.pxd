# What the loop modules and the dispatcher share.

from libc.string cimport memset

from cyrelu._loops.dtypes cimport Dtype
from cyrelu._loops.operations cimport FIRST_FACTOR, OPERAND_COUNT, OUT, Operation

cdef enum:
    CACHE_LINE_BYTES = 64
    MAX_LANES = 1 << 10  # of PReLU's backward pass


# The operands of one call: the first element of each, NULL for those that the operation does not
# take, and the bytes from one element to the next, 0 where all elements are one number.
cdef struct Operands:
    char* data[OPERAND_COUNT]
    Py_ssize_t[OPERAND_COUNT] stride


cdef inline void clear(Operands* operands) noexcept nogil:
    # The two parts one by one: gcc clears more than 80 bytes with rep stos, which takes 10 ns.
    memset(operands.data, 0, sizeof(operands.data))
    memset(operands.stride, 0, sizeof(operands.stride))


cdef inline bint is_factor(int operand) noexcept nogil:
    return FIRST_FACTOR <= operand < OUT


# How a loop goes about its elements, any of these together. Without SEQUENTIAL no operand may
# overlap out but be out itself; with STREAMING_STORES none may, and out is contiguous.
ctypedef int LoopFlags

cdef enum:
    STREAMING_STORES = 1  # non-temporal, for an out that exceeds the last-level cache; prefetches
    SEQUENTIAL = 2  # element by element, in order, each stored before the next is loaded


# What a loop module offers, in a capsule: to run n elements, or rows of n elements each, of which
# row_stride says how many bytes of each operand lie between the first elements of two; to run n
# elements and store, in a contiguous out, those for which there is a true bool; and to run rows of
# n contiguous elements of PReLU's backward pass, whose slopes are one number or an array, and add
# the products of grad and x, where x is below 0 or NaN, to n sums, with what double rounds off.
cdef struct LoopModule:
    bint can_stream
    void (*run)(
        Operation operation, Dtype dtype, const Operands* operands, Py_ssize_t n, LoopFlags flags
    ) noexcept nogil
    void (*run_rows)(
        Operation operation,
        Dtype dtype,
        const Operands* operands,
        Py_ssize_t n,
        const Py_ssize_t* row_stride,
        Py_ssize_t rows,
        LoopFlags flags,
    ) noexcept nogil
    void (*run_where)(
        Operation operation,
        Dtype dtype,
        const Operands* operands,
        Py_ssize_t n,
        const unsigned char* where,
    ) noexcept nogil
    void (*run_prelu_backward)(
        Dtype dtype,
        const Operands* operands,
        Py_ssize_t n,
        const Py_ssize_t* row_stride,
        Py_ssize_t rows,
        double* sums,
        double* errors,
    ) noexcept nogil


cdef inline void advance(
    Operands* operands, const Py_ssize_t* stride, Py_ssize_t count
) noexcept nogil:
    """Go on by count of these strides."""
    cdef int k
    for k in range(OPERAND_COUNT):
        if operands.data[k] != NULL:
            operands.data[k] += count * stride[k]
