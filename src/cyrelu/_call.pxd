from cyrelu._loops cimport Operation

# One call of a public function: the fast path where everything is plain, else the ufunc.
# Operands that the operation does not have are passed as None and not looked at.
cdef object call(
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
