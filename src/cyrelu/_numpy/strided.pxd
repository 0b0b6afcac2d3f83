from cyrelu._loops.operations cimport Operation

# The result for large arrays of arbitrary strides, which may broadcast; None, and nothing done,
# where the operands are not of the loops' dtypes, or too few to be worth it.
cdef object call_strided(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
)
