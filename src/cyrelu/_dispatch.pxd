from cyrelu._loops cimport OPERAND_COUNT, Kernel, Operands, Operation

# The row of an operation in the table of the instruction set in use.
cdef const Kernel* kernel(Operation operation) noexcept nogil

# The names of its inputs, in order.
cdef tuple operand_names(Operation operation)

# Runs a kernel over n elements of float32 (single) or float64, with as many threads as pay.
# The result is that of one serial pass, in order, also where operands overlap.
# A new out is in the caches already: the operating system has just cleared its pages there.
cdef void run(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n, bint out_is_new
) noexcept nogil

# The same over many rows: how many there are, and how to get from one to the next, axis by axis,
# the fastest first. No element of out may be read for another one.
cdef enum:
    MAX_DIMENSIONS = 64

cdef struct Rows:
    Py_ssize_t count
    int dimensions
    Py_ssize_t[MAX_DIMENSIONS] shape
    Py_ssize_t[MAX_DIMENSIONS][OPERAND_COUNT] step

cdef void run_rows(
    const Kernel* kernel,
    bint single,
    const Operands* operands,
    Py_ssize_t n,
    const Rows* rows,
    bint out_is_new,
) noexcept nogil
