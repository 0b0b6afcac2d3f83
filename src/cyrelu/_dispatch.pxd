from cyrelu._loops cimport Kernel, Operands, Operation

# The row of an operation in the table of the instruction set in use.
cdef const Kernel* kernel(Operation operation) noexcept nogil

# The names of its inputs, in order.
cdef tuple operand_names(Operation operation)

# Runs a kernel over n elements of float32 (single) or float64, with as many threads as pay.
# The result is that of one serial pass, in order, also where operands overlap.
cdef void run(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n
) noexcept nogil
