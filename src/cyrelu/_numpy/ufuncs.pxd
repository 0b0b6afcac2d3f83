from cyrelu._loops.operations cimport Operation

# The names of an operation's inputs, in order.
cdef list input_names(Operation operation)

# Calls the ufunc of an operation; its errors name the argument that was wrong.
cdef object call_ufunc(
    Operation operation,
    object grad,
    object x,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
)
