# What the loop modules (_loops_*.pyx, all made of _loops.pxi) and their callers share.


ctypedef int Operation

cdef enum:
    RELU = 0
    LEAKY_RELU
    RELU_GRAD
    LEAKY_RELU_GRAD
    RELU_BACKWARD
    LEAKY_RELU_BACKWARD
    OPERATION_COUNT


cdef enum:
    MAX_OPERANDS = 5


# One serial pass over n elements. Operands stand in the order of the ufunc's arguments,
# grad, x, negative_slope, at_zero, out (those that the operation has); steps are in bytes,
# 0 for a scalar. It is NumPy's inner loop without the dimensions array.
ctypedef void (*Loop)(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil


# One row of the table that each loop module offers as a capsule, in the order of Operation.
cdef struct Kernel:
    const char* name
    bint takes_grad
    bint takes_negative_slope
    bint takes_at_zero
    Loop f32
    Loop f64
