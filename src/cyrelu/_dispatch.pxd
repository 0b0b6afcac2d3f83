from cyrelu._loops cimport Kernel, Operation

# The row of an operation in the table of the instruction set in use.
cdef const Kernel* kernel(Operation operation) noexcept nogil

# The names of its inputs, in order.
cdef tuple operand_names(Operation operation)

# Runs a kernel over n elements of float32 (single) or float64, with as many threads as pay.
# Operands as for a Loop. The result is that of one serial pass, also where operands overlap.
cdef void run(
    const Kernel* kernel, bint single, char** args, const Py_ssize_t* steps, Py_ssize_t n
) noexcept nogil
