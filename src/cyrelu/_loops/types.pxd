# What the loop modules, the dispatcher and the callers of both share.

from libc.string cimport memset

from cyrelu._loops.dtypes cimport Dtype
from cyrelu._loops.operations cimport FIRST_FACTOR, OPERAND_COUNT, OUT, Operation

cdef enum:
    CACHE_LINE_BYTES = 64
    MAX_LANES = 1 << 10  # of PReLU's backward pass
    MAX_NDIM = 64  # NumPy's


# The operands of one call: the first element of each, NULL for those that the operation does not
# take, and the bytes from one element to the next, 0 where all elements are one number.
cdef struct Operands:
    char* data[OPERAND_COUNT]
    Py_ssize_t[OPERAND_COUNT] stride


# Many rows: how many there are, and how to get from one to the next, axis by axis, the fastest
# first.
cdef struct Rows:
    Py_ssize_t count
    int ndim
    Py_ssize_t[MAX_NDIM] shape
    Py_ssize_t[MAX_NDIM][OPERAND_COUNT] stride


# How a loop goes about its elements, any of these together. Without SEQUENTIAL no operand may
# overlap out but be out itself; with STREAMING_STORES none may, and out is contiguous.
ctypedef int LoopFlags

cdef enum:
    STREAMING_STORES = 1  # non-temporal, for an out that exceeds the last-level cache; prefetches
    SEQUENTIAL = 2  # element by element, in order, each stored before the next is loaded


# The sums of PReLU's backward pass: one for each element of a row, to which the products of grad
# and x are added where x is below 0 or NaN; and what double rounds off of each.
cdef struct Sums:
    double[MAX_LANES] of_products
    double[MAX_LANES] of_errors


# One call, from the Python function, or the kernel, to the loop.
cdef struct Call:
    Operation operation
    Dtype dtype
    Operands operands
    Py_ssize_t n  # elements, or elements of each row
    const Rows* rows  # NULL: there is one
    const unsigned char* where  # NULL, or a bool for each element: whether it is stored in out
    Sums* sums  # NULL, or what PReLU's backward pass adds up
    bint is_plain  # known: the factors are numbers, all others contiguous arrays
    bint out_is_new  # its pages, which the operating system has just cleared, are in the caches
    int block_limit  # the threads that a num_threads block allows (_dispatch/threads.pxd)
    LoopFlags flags  # the dispatcher decides


# What a loop module offers, in a capsule: to run rows of n elements of a call, of which these are
# the operands of the first, and call.rows says where the next ones are.
cdef struct LoopModule:
    bint can_stream
    void (*run)(
        const Call* call, const Operands* operands, Py_ssize_t n, Py_ssize_t rows
    ) noexcept nogil


cdef inline void clear(Operands* operands) noexcept nogil:
    # The two parts one by one: gcc clears more than 80 bytes with rep stos, which takes 10 ns.
    memset(operands.data, 0, sizeof(operands.data))
    memset(operands.stride, 0, sizeof(operands.stride))


cdef inline void begin_call(Call* call, Operation operation, Dtype dtype) noexcept nogil:
    """A call without operands, of one row."""
    call.operation, call.dtype = operation, dtype
    clear(&call.operands)
    call.rows, call.where, call.sums = NULL, NULL, NULL
    call.is_plain, call.out_is_new, call.block_limit, call.flags = False, False, 0, 0


# A set of operands: a bit for each.
ctypedef int OperandSet

cdef enum:
    FACTORS = (1 << OUT) - (1 << FIRST_FACTOR)  # the set of all


cdef inline bint is_factor(int operand) noexcept nogil:
    return FIRST_FACTOR <= operand < OUT


cdef inline void advance(
    Operands* operands, const Py_ssize_t* stride, Py_ssize_t count
) noexcept nogil:
    """Go on by count of these strides."""
    cdef int k
    for k in range(OPERAND_COUNT):
        if operands.data[k] != NULL:
            operands.data[k] += count * stride[k]
