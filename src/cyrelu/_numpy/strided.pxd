from cyrelu._loops.operations cimport Operation

# The result where a bias, or slopes, are one row for all rows of contiguous arrays; None, and
# nothing done, for all other operands.
cdef object call_rows(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
)

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

# The same for the elements that a mask of out's shape chooses: all are computed, and these copied.
# NumPy calls a ufunc's inner loop for each run of them, which takes longer.
cdef object call_strided_where(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
)
