# The backward pass through PReLU: the gradient of x by the formula of leaky_relu_backward, and in
# the same loop, for the gradients of the slopes, products of grad and x where x is below 0, or NaN,
# added up in double.
#
# Each product goes to a lane of its own, and the caller decides which elements share a lane; so the
# order of additions, and with it every bit of a sum, is the same whatever the vectors' width.

from cython cimport floating
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

cimport cyrelu._loops.tags as tags
cimport cyrelu.scalar as scalar
from cyrelu._loops.blocks cimport Loop, arrays_of, run_one_row
from cyrelu._loops.conversions cimport widen
from cyrelu._loops.dtypes cimport BFLOAT16, FLOAT16, FLOAT32
from cyrelu._loops.narrow_floats cimport NARROW_BLOCK
from cyrelu._loops.operations cimport AT_ZERO, GRAD, NEGATIVE_SLOPE, OUT, X
from cyrelu._loops.tags cimport Floats, Floats16, NumberOrArray, Tag
from cyrelu._loops.types cimport MAX_LANES, Call, Operands, Sums, advance
from cyrelu._loops.views cimport View, view

cdef enum:
    LOOP_ELEMENTS = 1 << 10  # of 16 bits, that the loop runs at once

ctypedef void (*BothGradients)(
    Tag* slopes, View grad, View x, View slope, View at_zero, View out, View sums, View errors
) noexcept nogil
ctypedef void (*AddProducts)(View grad, View x, View sums) noexcept nogil


cdef inline void run_prelu_backward(
    Loop loop, const Call* call, const Operands* operands, Py_ssize_t n, Py_ssize_t rows
) noexcept nogil:
    """Run rows of n contiguous elements, and add their products to the first n sums."""
    cdef bint array_slopes = operands.stride[NEGATIVE_SLOPE] != 0
    if call.dtype == FLOAT16:
        run_floats16[tags.Float16](NULL, loop, call, operands, n, rows)
    elif call.dtype == BFLOAT16:
        run_floats16[tags.Bfloat16](NULL, loop, call, operands, n, rows)
    elif call.dtype == FLOAT32 and array_slopes:
        run_floats[tags.ArrayFactors, tags.Float32](NULL, NULL, call, operands, n, rows)
    elif call.dtype == FLOAT32:
        run_floats[tags.NumberFactors, tags.Float32](NULL, NULL, call, operands, n, rows)
    elif array_slopes:
        run_floats[tags.ArrayFactors, tags.Float64](NULL, NULL, call, operands, n, rows)
    else:
        run_floats[tags.NumberFactors, tags.Float64](NULL, NULL, call, operands, n, rows)


cdef inline void run_floats(
    NumberOrArray* slopes,
    Floats* dtype,
    const Call* call,
    const Operands* operands,
    Py_ssize_t n,
    Py_ssize_t rows,
) noexcept nogil:
    cdef BothGradients loop
    cdef Py_ssize_t item
    # A copy, of which the compiler sees that no operand overlaps it: it vectorises a loop only if
    # it has few overlaps to test for.
    cdef Sums sums
    cdef Operands row = operands[0]
    cdef Py_ssize_t _row
    if Floats is tags.Float32:
        loop, item = <BothGradients> both_gradients[NumberOrArray, float], sizeof(float)
    else:
        loop, item = <BothGradients> both_gradients[NumberOrArray, double], sizeof(double)
    cdef View slope = view(operands.data[NEGATIVE_SLOPE], n, item)
    cdef View zero = view(operands.data[AT_ZERO], 1, item)
    cdef View lanes = view(<char*> sums.of_products, n, sizeof(double))
    cdef View lost = view(<char*> sums.of_errors, n, sizeof(double))
    cdef View grad, x, out
    copy_sums(call.sums, &sums, n)
    for _row in range(rows):
        grad = view(row.data[GRAD], n, item)
        x = view(row.data[X], n, item)
        out = view(row.data[OUT], n, item)
        if row.data[X] == row.data[OUT]:  # one pointer twice: see contiguous.pxd
            loop(NULL, grad, out, slope, zero, out, lanes, lost)
        elif row.data[GRAD] == row.data[OUT]:
            loop(NULL, out, x, slope, zero, out, lanes, lost)
        else:
            loop(NULL, grad, x, slope, zero, out, lanes, lost)
        advance(&row, call.rows.stride[0], 1)
    copy_sums(&sums, call.sums, n)


cdef inline void copy_sums(const Sums* source, Sums* to, Py_ssize_t n) noexcept nogil:
    memcpy(to.of_products, source.of_products, n * sizeof(double))
    memcpy(to.of_errors, source.of_errors, n * sizeof(double))


cdef inline void both_gradients(
    NumberOrArray* slopes,
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
        if NumberOrArray is tags.ArrayFactors:
            slope = negative_slope[i]
        add_product(g, number, &sums[i], &errors[i])
        out[i] = scalar.leaky_relu_backward[floating](g, number, slope, zero)


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
    const Call* call,
    const Operands* operands,
    Py_ssize_t n,
    Py_ssize_t rows,
) noexcept nogil:
    cdef bint array_slopes = operands.stride[NEGATIVE_SLOPE] != 0
    cdef const Py_ssize_t* row_stride = call.rows.stride[0]
    cdef Operands row = operands[0]
    cdef Operands first = operands[0]
    cdef Py_ssize_t _row, count
    while rows > 0:
        # Where all elements have one slope, several rows are one for the loop.
        count = 1 if array_slopes else min(rows, max(1, LOOP_ELEMENTS // n))
        for _row in range(count):  # before the loop, which may overwrite grad or x
            add_products_of_halves(
                dtype,
                <uint16_t*> row.data[GRAD],
                <uint16_t*> row.data[X],
                n,
                call.sums.of_products,
            )
            advance(&row, row_stride, 1)
        run_one_row(
            loop, call.dtype, &first, count * n, arrays_of(call.operation, first.stride, NULL), 0
        )
        advance(&first, row_stride, count)
        rows -= count


cdef inline void add_products_of_halves(
    Floats16* dtype, const uint16_t* grad, const uint16_t* x, Py_ssize_t n, double* sums
) noexcept nogil:
    cdef float[NARROW_BLOCK] grads, numbers
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t i, m
    while start < n:
        m = min(n - start, <Py_ssize_t> NARROW_BLOCK)
        for i in range(m):
            grads[i] = widen(dtype, grad[start + i])
            numbers[i] = widen(dtype, x[start + i])
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
