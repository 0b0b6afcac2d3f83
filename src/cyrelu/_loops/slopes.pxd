# The gradient of PReLU's slopes: products of grad and x where x is below 0, or NaN, added up in
# double.
#
# Each product goes to a lane of its own, and the caller decides which elements share a lane; so the
# order of additions, and with it every bit of a sum, is the same whatever the vectors' width.

from cython cimport floating
from libc.stdint cimport uint16_t

from cyrelu._loops.conversions cimport widened
from cyrelu._loops.dtypes cimport BFLOAT16, FLOAT16, FLOAT32, Dtype
from cyrelu._loops.tags cimport Bfloat16, Float16, Floats16
from cyrelu._loops.views cimport View, view

cdef enum:
    BLOCK = 256  # 16-bit floats that are widened at once

ctypedef void (*AddProducts)(View grad, View x, View sums, View errors) noexcept nogil


cdef inline void add_products(
    const floating[::1] grad, const floating[::1] x, double[::1] sums, double[::1] errors
) noexcept nogil:
    """sums += grad * x but where x >= 0. errors collects what additions of doubles round off."""
    cdef Py_ssize_t i
    cdef double product, before, after, added
    cdef floating number
    for i in range(sums.shape[0]):
        number = x[i]
        product = <double> grad[i] * <double> number
        product = 0 if number >= 0 else product
        before = sums[i]
        after = before + product
        sums[i] = after
        if floating is double:
            # Knuth's sum of two: what is lost is exact, if nothing overflows.
            added = after - before
            errors[i] += (before - (after - added)) + (product - added)


cdef inline void add_slope_gradients(
    Dtype dtype, char* grad, char* x, Py_ssize_t n, double* sums, double* errors
) noexcept nogil:
    """Add the products of n elements to n lanes."""
    cdef AddProducts of_floats = <AddProducts> add_products[float]
    cdef AddProducts of_doubles = <AddProducts> add_products[double]
    cdef View lanes = view(<char*> sums, n, sizeof(double))
    cdef View lost = view(<char*> errors, n, sizeof(double))
    if dtype == FLOAT16:
        add_widened[Float16](NULL, <uint16_t*> grad, <uint16_t*> x, n, sums, errors)
    elif dtype == BFLOAT16:
        add_widened[Bfloat16](NULL, <uint16_t*> grad, <uint16_t*> x, n, sums, errors)
    elif dtype == FLOAT32:
        of_floats(view(grad, n, sizeof(float)), view(x, n, sizeof(float)), lanes, lost)
    else:
        of_doubles(view(grad, n, sizeof(double)), view(x, n, sizeof(double)), lanes, lost)


cdef inline void add_widened(
    Floats16* dtype,
    const uint16_t* grad,
    const uint16_t* x,
    Py_ssize_t n,
    double* sums,
    double* errors,
) noexcept nogil:
    cdef float[BLOCK] grads, numbers
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t i, m
    while start < n:
        m = min(n - start, <Py_ssize_t> BLOCK)
        for i in range(m):
            grads[i] = widened(dtype, grad[start + i])
            numbers[i] = widened(dtype, x[start + i])
        (<AddProducts> add_products[float])(
            view(<char*> grads, m, sizeof(float)),
            view(<char*> numbers, m, sizeof(float)),
            view(<char*> (sums + start), m, sizeof(double)),
            view(<char*> (errors + start), m, sizeof(double)),
        )
        start += m
