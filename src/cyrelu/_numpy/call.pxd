from cyrelu._loops.operations cimport Operation

# One call of a public function. Operands that the operation does not take are passed as None and
# not looked at.
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
