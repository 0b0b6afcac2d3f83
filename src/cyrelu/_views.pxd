from cyrelu._loops cimport Kernel

# The result for large arrays that lie anyhow and may broadcast; None, and nothing done, where the
# operands are not of the kernels' types, or too few to be worth it.
cdef object call_views(
    const Kernel* kernel, object grad, object x, object negative_slope, object at_zero, object out
)
