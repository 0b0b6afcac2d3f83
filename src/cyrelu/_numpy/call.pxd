from cyrelu._loops.operations cimport Operation

# One call of a public function. Operands that the operation does not take are passed as None and
# not looked at.
cdef object call(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
)

# What stands for at_zero where x is the output of the forward pass.
cdef object at_zero_of_output(Operation operation, object negative_slope)
