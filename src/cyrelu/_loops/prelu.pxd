# The backward pass through PReLU: the gradient of x by the formula of leaky_relu_backward, and in
# the same loop, for the gradients of the slopes, products of grad and x where x is below 0, or NaN,
# added up in double.
#
# Each product goes to a lane of its own, and the caller decides which elements share a lane; so the
# order of additions, and with it every bit of a sum, is the same whatever the vectors' width.

from cython cimport floating
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

from cyrelu._loops.blocks cimport Loop, run_one_row
from cyrelu._loops.conversions cimport widened
from cyrelu._loops.dtypes cimport BFLOAT16, FLOAT16, FLOAT32, Dtype
from cyrelu._loops.operations cimport AT_ZERO, GRAD, NEGATIVE_SLOPE, OUT, X
from cyrelu._loops.tags cimport (
    ArrayFactors,
    Bfloat16,
    Factors,
    Float16,
    Float32,
    Float64,
    Floats,
    Floats16,
    LeakyReluBackward,
    ScalarFactors,
    Tag,
    apply,
)
from cyrelu._loops.types cimport MAX_LANES, Operands, advance
from cyrelu._loops.views cimport View, view

cdef enum:
    BLOCK = 256  # 16-bit floats that are widened at once
    PIECE = 1 << 10  # that the loop runs at once

ctypedef void (*BothGradients)(
    Tag* slopes, View grad, View x, View slope, View at_zero, View out, View sums, View errors
) noexcept nogil
ctypedef void (*AddProducts)(View grad, View x, View sums) noexcept nogil


cdef inline void run_prelu_backward(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    double* sums,
    double* errors,
) noexcept nogil:
    """Run rows of n contiguous elements, and add their products to n lanes."""
    cdef bint array_slopes = operands.stride[NEGATIVE_SLOPE] != 0
    if dtype == FLOAT16:
        run_floats16[Float16](NULL, loop, dtype, operands, n, row_stride, rows, sums)
    elif dtype == BFLOAT16:
        run_floats16[Bfloat16](NULL, loop, dtype, operands, n, row_stride, rows, sums)
    elif dtype == FLOAT32 and array_slopes:
        run_floats[ArrayFactors, Float32](NULL, NULL, operands, n, row_stride, rows, sums, errors)
    elif dtype == FLOAT32:
        run_floats[ScalarFactors, Float32](NULL, NULL, operands, n, row_stride, rows, sums, errors)
    elif array_slopes:
        run_floats[ArrayFactors, Float64](NULL, NULL, operands, n, row_stride, rows, sums, errors)
    else:
        run_floats[ScalarFactors, Float64](NULL, NULL, operands, n, row_stride, rows, sums, errors)


cdef inline void run_floats(
    Factors* slopes,
    Floats* dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    double* sums,
    double* errors,
) noexcept nogil:
    cdef BothGradients loop
    cdef Py_ssize_t item
    # Of its own, so that the compiler sees that no operand overlaps them: it vectorises a loop only
    # if it has few overlaps to test for.
    cdef double[MAX_LANES] own_sums
    cdef double[MAX_LANES] own_errors
    cdef Operands row = operands[0]
    cdef Py_ssize_t _row
    if Floats is Float32:
        loop, item = <BothGradients> both_gradients[Factors, float], sizeof(float)
    else:
        loop, item = <BothGradients> both_gradients[Factors, double], sizeof(double)
    cdef View slope = view(operands.data[NEGATIVE_SLOPE], n, item)
    cdef View zero = view(operands.data[AT_ZERO], 1, item)
    cdef View lanes = view(<char*> own_sums, n, sizeof(double))
    cdef View lost = view(<char*> own_errors, n, sizeof(double))
    cdef View grad, x, out
    memcpy(own_sums, sums, n * sizeof(double))
    memcpy(own_errors, errors, n * sizeof(double))
    for _row in range(rows):
        grad = view(row.data[GRAD], n, item)
        x = view(row.data[X], n, item)
        out = view(row.data[OUT], n, item)
        if row.data[X] == row.data[OUT]:  # one pointer twice: see loops.pyx
            loop(NULL, grad, out, slope, zero, out, lanes, lost)
        elif row.data[GRAD] == row.data[OUT]:
            loop(NULL, out, x, slope, zero, out, lanes, lost)
        else:
            loop(NULL, grad, x, slope, zero, out, lanes, lost)
        advance(&row, row_stride, 1)
    memcpy(sums, own_sums, n * sizeof(double))
    memcpy(errors, own_errors, n * sizeof(double))


cdef inline void both_gradients(
    Factors* slopes,
    const floating[::1] grad,
    const floating[::1] x,
    const floating[::1] negative_slope,
    const floating[::1] at_zero,
    floating[::1] out,
    double[::1] sums,
    double[::1] errors,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating g, number
    cdef floating slope = negative_slope[0], zero = at_zero[0]
    for i in range(out.shape[0]):
        g, number = grad[i], x[i]
        if Factors is ArrayFactors:
            slope = negative_slope[i]
        add_product(g, number, &sums[i], &errors[i])
        out[i] = apply[LeakyReluBackward, floating](NULL, g, number, 0, slope, zero)


cdef inline void add_product(
    floating grad, floating x, double* total, double* error
) noexcept nogil:
    """total += grad * x but where x >= 0. error collects what additions of doubles round off."""
    cdef double product
    cdef double before = total[0]
    cdef double after, added
    if floating is float:  # chosen after the product, gcc 16 does not vectorise it (x86-64-v2)
        product = <double> (0 if x >= 0 else grad) * <double> (1 if x >= 0 else x)
    else:
        product = grad * x
        product = 0 if x >= 0 else product
    after = before + product
    total[0] = after
    if floating is double:
        # Knuth's sum of two: what is lost is exact, if nothing overflows.
        added = after - before
        error[0] += (before - (after - added)) + (product - added)


# ---- 16-bit floats

cdef inline void run_floats16(
    Floats16* dtype,
    Loop loop,
    Dtype number,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    double* sums,
) noexcept nogil:
    cdef bint array_slopes = operands.stride[NEGATIVE_SLOPE] != 0
    cdef Operands row = operands[0]
    cdef Operands piece = operands[0]
    cdef Py_ssize_t _row, count
    while rows > 0:
        # Where all elements have one slope, several rows are one for the loop.
        count = 1 if array_slopes else min(rows, max(1, PIECE // n))
        for _row in range(count):  # before the loop, which may overwrite grad or x
            add_widened(dtype, <uint16_t*> row.data[GRAD], <uint16_t*> row.data[X], n, sums)
            advance(&row, row_stride, 1)
        run_one_row(loop, number, &piece, count * n, array_slopes, 0)
        advance(&piece, row_stride, count)
        rows -= count


cdef inline void add_widened(
    Floats16* dtype, const uint16_t* grad, const uint16_t* x, Py_ssize_t n, double* sums
) noexcept nogil:
    cdef float[BLOCK] grads, numbers
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t i, m
    while start < n:
        m = min(n - start, <Py_ssize_t> BLOCK)
        for i in range(m):
            grads[i] = widened(dtype, grad[start + i])
            numbers[i] = widened(dtype, x[start + i])
        (<AddProducts> add_products)(
            view(<char*> grads, m, sizeof(float)),
            view(<char*> numbers, m, sizeof(float)),
            view(<char*> (sums + start), m, sizeof(double)),
        )
        start += m


cdef inline void add_products(
    const float[::1] grad, const float[::1] x, double[::1] sums
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(sums.shape[0]):
        add_product(grad[i], x[i], &sums[i], NULL)
