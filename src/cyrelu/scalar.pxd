# The mathematics: each formula of the package, once, for one element.
#
#     from cyrelu cimport scalar        # compiled into your own loop; nothing to link
#
# The forms are chosen so that compilers turn them into selects (vector code, no branches on x)
# and so that vector and scalar code agree bit for bit: a NaN in x comes back as it is, a factor
# of exactly 0 selects +0.0, a factor of exactly 1 selects the value it would multiply.
#
# x decides the precision. A factor is a double, so that every number fits, and is rounded once to
# the type of x, as a Python number beside a float32 array is.

from cython cimport floating
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# What relu and add_relu take: integers, too, and each is exact. Cython finds every other integer
# type among these: without the two of C it would take some for one of the other sign, with more it
# would find two for some (tests/downstream tries them all).
ctypedef fused number:
    float
    double
    int8_t
    int16_t
    int32_t
    int64_t
    long long
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    unsigned long


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* Where floating-point operations may trap, gcc does not vectorise a loop with a product that
     * only one side of a choice needs: it moves the product there ("control flow in loop"). Masks
     * leave it nothing to move. It has masks of 64 bits from SSE4.2 on; without them a factor that
     * is computed in the loop, by an addition that may trap, keeps it from making a loop for each
     * kind of factor, which it would not vectorise either. Only a factor that it knows is then
     * still a branch. */
    #if defined(__GNUC__) && !defined(__clang__) && !defined(__NO_TRAPPING_MATH__)
        #define CYRELU_MASKS_F32 1
        #if !defined(__x86_64__) || defined(__SSE4_2__)
            #define CYRELU_MASKS_F64 1
        #else
            #define CYRELU_MASKS_F64 0
            #define CYRELU_IN_LOOP(factor) ((factor) + 0.0)
        #endif
    #else
        #define CYRELU_MASKS_F32 0
        #define CYRELU_MASKS_F64 0
    #endif
    #ifndef CYRELU_IN_LOOP
        #define CYRELU_IN_LOOP(factor) (factor)
    #endif

    static inline float cyrelu_select_f32(int condition, float yes, float no)
    {
    #if CYRELU_MASKS_F32
        uint32_t mask = -(uint32_t) condition, yes_bits, no_bits;
        memcpy(&yes_bits, &yes, sizeof yes);
        memcpy(&no_bits, &no, sizeof no);
        yes_bits = (yes_bits & mask) | (no_bits & ~mask);
        memcpy(&yes, &yes_bits, sizeof yes);
        return yes;
    #else
        return condition ? yes : no;
    #endif
    }

    static inline double cyrelu_select_f64(int condition, double yes, double no)
    {
    #if CYRELU_MASKS_F64
        /* By its estimate gcc 16 does not vectorise the form of select_f32, for vectors of two. For
         * float this one takes 1.3 to 1.7 times as long with gcc 12. */
        uint64_t mask = -(uint64_t) condition, yes_bits, no_bits;
        memcpy(&yes_bits, &yes, sizeof yes);
        memcpy(&no_bits, &no, sizeof no);
        yes_bits = no_bits ^ ((yes_bits ^ no_bits) & mask);
        memcpy(&yes, &yes_bits, sizeof yes);
        return yes;
    #else
        return condition ? yes : no;
    #endif
    }
    """
    bint MASKS_F32 "CYRELU_MASKS_F32"
    bint MASKS_F64 "CYRELU_MASKS_F64"
    double in_loop "CYRELU_IN_LOOP"(double factor) noexcept nogil
    float select_f32 "cyrelu_select_f32"(bint condition, float yes, float no) noexcept nogil
    double select_f64 "cyrelu_select_f64"(bint condition, double yes, double no) noexcept nogil


cdef inline floating select(bint condition, floating yes, floating no) noexcept nogil:
    """yes if condition else no; both are computed before."""
    if floating is float:
        return select_f32(condition, yes, no)
    else:
        return select_f64(condition, yes, no)


cdef inline floating scale(floating factor, floating value) noexcept nogil:
    """factor * value, but 0 and 1 select: a dead unit blocks even an inf or a NaN."""
    if MASKS_F32 if floating is float else MASKS_F64:
        return select(factor == 0, <floating> 0, select(factor == 1, value, factor * value))
    if floating is double:
        factor = in_loop(factor)
    if factor == 0:
        return 0
    return value if factor == 1 else factor * value


cdef inline floating leaky_relu(floating x, double negative_slope) noexcept nogil:
    return select(x <= 0, scale(<floating> negative_slope, x), x)


cdef inline floating leaky_relu_backward(
    floating grad, floating x, double negative_slope, double at_zero
) noexcept nogil:
    cdef floating below = scale(<floating> negative_slope, grad)
    cdef floating at = scale(<floating> at_zero, grad)
    cdef floating up_to_zero = select(x == 0, at, below)
    cdef floating result = select(x <= 0, up_to_zero, grad)
    return select(x == x, result, x)


cdef inline floating leaky_relu_grad(
    floating x, double negative_slope, double at_zero
) noexcept nogil:
    return leaky_relu_backward[floating](1, x, negative_slope, at_zero)


# ReLU is Leaky ReLU with slope 0: inlined, the constant folds away.

cdef inline number relu(number x) noexcept nogil:
    if number is float or number is double:
        return leaky_relu[number](x, 0)
    else:
        return x if x > 0 else 0


cdef inline floating relu_grad(floating x, double at_zero) noexcept nogil:
    return leaky_relu_grad[floating](x, 0, at_zero)


cdef inline floating relu_backward(floating grad, floating x, double at_zero) noexcept nogil:
    return leaky_relu_backward[floating](grad, x, 0, at_zero)


# Of a sum: that of NumPy's add, rounded before it is rectified.

cdef inline number add(number x, number y) noexcept nogil:
    if number is float or number is double:
        return x + y
    else:
        # As unsigned numbers, which wrap around: a signed sum that does not fit is undefined in C.
        return <number> (<uint64_t> x + <uint64_t> y)


cdef inline number add_relu(number x, number y) noexcept nogil:
    return relu[number](add[number](x, y))


cdef inline floating add_leaky_relu(floating x, floating y, double negative_slope) noexcept nogil:
    return leaky_relu[floating](add[floating](x, y), negative_slope)
