# The loop for the operations that select, in 16 bits. An element of the result is another one (x,
# grad), or the product of a factor and one. Sums and products are computed in float, block by
# block; then one loop chooses among the bits as integers. So what is neither keeps its bits, and is
# compared 16 bytes or more at a time, which makes relu and the gradients some five times as fast as
# by way of float.

from libc.stdint cimport int16_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

cimport cyrelu._loops.tags as tags
from cyrelu._loops.conversions cimport (
    BFLOAT16_INFINITY,
    BFLOAT16_ONE,
    FLOAT16_INFINITY,
    FLOAT16_ONE,
    SIGN,
    compute_in_pairs,
    compute_one,
)
from cyrelu._loops.float16_arithmetic cimport compute_float16, converts_float16
from cyrelu._loops.narrow_floats cimport NARROW_BLOCK
from cyrelu._loops.operations cimport AT_ZERO, GRAD, NEGATIVE_SLOPE, OUT, X, Y
from cyrelu._loops.tags cimport Arithmetic, Factors, Floats16, NumberOrArray, Op, Tag
from cyrelu._loops.types cimport Operands
from cyrelu._loops.views cimport View, view

cdef extern from *:
    """
    /* As arguments, both are loaded before one is chosen: compilers do not vectorise a load that
     * is a choice. Nor does LLVM the assignments in branches that Cython makes of a choice. */
    static inline int16_t cyrelu_select_i16(int condition, int16_t yes, int16_t no)
    {
        return condition ? yes : no;
    }
    """
    int16_t select "cyrelu_select_i16"(bint condition, int16_t yes, int16_t no) noexcept nogil

cdef extern from *:
    """
    /* Of the memcpy that _FORTIFY_SOURCE declares, clang leaves a call in the loop. */
    #if defined(__GNUC__)
        #define cyrelu_copy __builtin_memcpy
    #else
        #define cyrelu_copy memcpy
    #endif
    """
    void copy "cyrelu_copy"(void* to, const void* source, size_t count) noexcept nogil


ctypedef void (*Choose)(
    Tag* op, Tag* dtype, View above, View x, View at_zero, View below, View out
) noexcept nogil


cdef inline void choose(
    Op* op,
    Floats16* dtype,
    const int16_t[::1] above,
    const int16_t[::1] x,
    const int16_t[::1] at_zero,
    const int16_t[::1] below,
    int16_t[::1] out,
) noexcept nogil:
    """out = above where x > 0, at_zero where it is 0, below where x < 0, and x where it is NaN."""
    cdef Py_ssize_t i
    cdef int16_t infinity = FLOAT16_INFINITY if Floats16 is tags.Float16 else BFLOAT16_INFINITY
    cdef int16_t negative_infinity = infinity - SIGN
    cdef int16_t one = FLOAT16_ONE if Floats16 is tags.Float16 else BFLOAT16_ONE
    cdef int16_t number, magnitude, result
    cdef int16_t if_zero = 0, if_below = 0
    for i in range(out.shape[0]):
        number = x[i]
        magnitude = number & 0x7FFF
        if Op in tags.TakesNegativeSlope:
            if_below = below[i]
        if Op in tags.TakesAtZero:
            if_zero = at_zero[i]
        if Op is tags.Relu or Op is tags.AddRelu:
            # As integers, negative numbers are those up to -inf; NaNs of both signs are greater.
            result = select(number > negative_infinity, number, 0)
        elif Op is tags.LeakyRelu or Op is tags.AddLeakyRelu:
            result = select((number <= negative_infinity) | (number == 0), if_below, number)
        else:
            if Op in tags.TakesGrad:
                result = above[i]
            else:
                result = one
            result = select(number < 0, if_below, result)
            result = select(magnitude == 0, if_zero, result)
            result = select(magnitude > infinity, number, result)
        out[i] = result


cdef inline void run_floats16(
    Op* op, Factors* factors, Floats16* dtype, const Operands* operands, Py_ssize_t n
) noexcept nogil:
    cdef Choose loop = <Choose> choose[Op, Floats16]
    cdef uint16_t one = FLOAT16_ONE if Floats16 is tags.Float16 else BFLOAT16_ONE
    cdef uint16_t[NARROW_BLOCK] ones, sums, below, at_zero
    cdef View view_below, view_at_zero, view_above, view_x, view_out
    cdef uint16_t* grad = <uint16_t*> operands.data[GRAD]
    cdef uint16_t* x = <uint16_t*> operands.data[X]
    cdef uint16_t* y = <uint16_t*> operands.data[Y]
    cdef uint16_t* slope = <uint16_t*> operands.data[NEGATIVE_SLOPE]
    cdef uint16_t* zero = <uint16_t*> operands.data[AT_ZERO]
    cdef uint16_t* out = <uint16_t*> operands.data[OUT]
    cdef uint16_t* above = ones
    cdef uint16_t* rectified = x
    # A gradient alone: the products of its factors and 1 are the same for all elements.
    cdef bint is_gradient = Op in tags.TakesAtZero and Op not in tags.TakesGrad
    cdef Py_ssize_t m
    cdef Py_ssize_t start = 0
    if is_gradient:
        for m in range(min(n, <Py_ssize_t> NARROW_BLOCK)):
            ones[m] = one
    while start < n:
        m = min(n - start, <Py_ssize_t> NARROW_BLOCK)
        rectified = x + start
        if Op in tags.TakesY:
            compute[tags.Sum, tags.ArrayFactors, Floats16](
                NULL, NULL, NULL, y + start, rectified, sums, m
            )
            rectified = sums
        if Op in tags.TakesGrad:
            above = grad + start
        elif not is_gradient:
            above = rectified
        if start == 0 or not is_gradient or Factors is not tags.NumberFactors:
            if Op in tags.TakesNegativeSlope:
                if Factors is tags.NumberFactors:
                    scale[tags.NumberFactors, Floats16](NULL, NULL, slope, above, below, m)
                else:
                    scale[tags.ArrayFactors, Floats16](NULL, NULL, slope + start, above, below, m)
            if Op in tags.TakesAtZero:
                if Factors is tags.ArrayFactors:
                    scale[tags.ArrayFactors, Floats16](NULL, NULL, zero + start, above, at_zero, m)
                else:
                    scale[tags.NumberFactors, Floats16](NULL, NULL, zero, above, at_zero, m)
        view_above = view(<char*> above, m, sizeof(uint16_t))
        view_x = view(<char*> rectified, m, sizeof(uint16_t))
        view_at_zero = view(<char*> at_zero, m, sizeof(uint16_t))
        view_below = view(<char*> below, m, sizeof(uint16_t))
        view_out = view(<char*> (out + start), m, sizeof(uint16_t))
        if Op not in tags.TakesY and x == out:  # as in contiguous.pxd
            loop(NULL, NULL, view_above, view_out, view_at_zero, view_below, view_out)
        elif Op in tags.TakesGrad and grad == out:
            loop(NULL, NULL, view_out, view_x, view_at_zero, view_below, view_out)
        else:
            loop(NULL, NULL, view_above, view_x, view_at_zero, view_below, view_out)
        start += m


cdef inline void scale(
    NumberOrArray* kind,
    Floats16* dtype,
    const uint16_t* factor,
    const uint16_t* value,
    uint16_t* product,
    Py_ssize_t n,
) noexcept nogil:
    """product = factor * value, but 0 and 1 select, as in scalar.scale."""
    cdef uint16_t one = FLOAT16_ONE if Floats16 is tags.Float16 else BFLOAT16_ONE
    cdef Py_ssize_t i
    cdef uint16_t a, result
    if NumberOrArray is tags.NumberFactors:
        if factor[0] & 0x7FFF == 0:
            memset(product, 0, n * sizeof(uint16_t))
            return
        if factor[0] == one:
            memcpy(product, value, n * sizeof(uint16_t))
            return
    compute[tags.Product, NumberOrArray, Floats16](NULL, NULL, NULL, factor, value, product, n)
    if NumberOrArray is tags.ArrayFactors:
        for i in range(n):
            a = factor[i]
            result = select(a == one, value[i], product[i])
            product[i] = select(a & 0x7FFF == 0, 0, result)


cdef inline void compute(
    Arithmetic* arithmetic,
    NumberOrArray* kind,
    Floats16* dtype,
    const uint16_t* left,
    const uint16_t* right,
    uint16_t* result,
    Py_ssize_t n,
) noexcept nogil:
    """result = left * right, or left + right; left is one number, or an array, as factors are."""
    if Floats16 is tags.Float16 and converts_float16():
        compute_float16(
            Arithmetic is tags.Sum, left, NumberOrArray is tags.ArrayFactors, right, result, n
        )
    else:
        compute_in_integers(arithmetic, kind, dtype, left, right, result, n)


cdef inline void compute_in_integers(
    Arithmetic* arithmetic,
    NumberOrArray* kind,
    Floats16* dtype,
    const uint16_t* left,
    const uint16_t* right,
    uint16_t* result,
    Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t step = 1 if NumberOrArray is tags.ArrayFactors else 0
    if Floats16 is tags.Bfloat16:
        compute_pairs(arithmetic, kind, left, right, result, n // 2)
        start = n // 2 * 2
    for i in range(start, n):
        result[i] = compute_one(arithmetic, dtype, left[i * step], right[i])


cdef inline void compute_pairs(
    Arithmetic* arithmetic,
    NumberOrArray* kind,
    const uint16_t* left,
    const uint16_t* right,
    uint16_t* result,
    Py_ssize_t pairs,
) noexcept nogil:
    """For bfloat16: no element has to change its width, which costs as much as the product."""
    cdef Py_ssize_t i
    cdef uint32_t two_left = <uint32_t> left[0] << 16 | left[0]
    cdef uint32_t two_right, two_results
    for i in range(pairs):
        if NumberOrArray is tags.ArrayFactors:
            copy(&two_left, left + 2 * i, sizeof(uint32_t))
        copy(&two_right, right + 2 * i, sizeof(uint32_t))
        two_results = compute_in_pairs(arithmetic, two_left, two_right)
        copy(result + 2 * i, &two_results, sizeof(uint32_t))
