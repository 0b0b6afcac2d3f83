# What the loop modules (_loops_*.pyx) and their callers share.


ctypedef int Operation

cdef enum:
    RELU = 0
    LEAKY_RELU
    RELU_GRAD
    LEAKY_RELU_GRAD
    RELU_BACKWARD
    LEAKY_RELU_BACKWARD
    OPERATION_COUNT


# The operands, in the order of the ufuncs' arguments.
cdef enum:
    GRAD = 0
    X
    NEGATIVE_SLOPE
    AT_ZERO
    OUT
    OPERAND_COUNT


# Where the operands of one call are: the first element of each, NULL for those that the operation
# does not have, and the bytes from one element to the next, 0 where all elements share one.
cdef struct Operands:
    char* data[OPERAND_COUNT]
    Py_ssize_t[OPERAND_COUNT] step


# How to go about it: any of these together. Without ONE_BY_ONE the operands must not overlap out,
# or be out itself; STREAMED needs them apart from it, and out contiguous.
ctypedef int Manner

cdef enum:
    STREAMED = 1  # stored past the caches, for an out that is larger than they are
    READ_AHEAD = 2  # fetched before the processor would, for operands that are in no cache
    ONE_BY_ONE = 4  # in order, each before the next is read


# An operation over contiguous operands; its factors are single numbers, or arrays too.
ctypedef void (*PassF32)(
    const float* grad, const float* x, const float* negative_slope, const float* at_zero,
    float* out, Py_ssize_t n, bint array_factors,
) noexcept nogil
ctypedef void (*PassF64)(
    const double* grad, const double* x, const double* negative_slope, const double* at_zero,
    double* out, Py_ssize_t n, bint array_factors,
) noexcept nogil

cdef struct Kernel:
    const char* name
    bint[OPERAND_COUNT] takes
    PassF32 f32
    PassF64 f64


# What a loop module offers, as a capsule: the kernels in the order of Operation, and the function
# that runs one of them, in float32 (single) or float64, over n elements that lie anyhow.
cdef struct Loops:
    Kernel[OPERATION_COUNT] kernels
    bint can_stream
    void (*run)(
        const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n, Manner manner
    ) noexcept nogil
