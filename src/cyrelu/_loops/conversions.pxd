# 16-bit floats and float: what each means is here, for loops, factors and kernels.
#
# float16 is IEEE 754's binary16, bfloat16 the upper half of a float. Widening is exact. Narrowing
# goes to the nearest, ties to even, whatever the caller's rounding mode, as NumPy and ml_dtypes do.

from libc.stdint cimport int32_t, uint16_t, uint32_t
from libc.string cimport memcpy

cimport cyrelu._loops.tags as tags
from cyrelu._loops.dtypes cimport FLOAT16, Dtype
from cyrelu._loops.tags cimport Arithmetic, Floats16, NarrowFloats

cdef enum:
    SIGN = 0x8000
    FLOAT16_ONE = 0x3C00
    FLOAT16_INFINITY = 0x7C00
    FLOAT16_QUIET = 0x0200  # the bit that makes a NaN a quiet one
    BFLOAT16_ONE = 0x3F80
    BFLOAT16_INFINITY = 0x7F80
    BFLOAT16_QUIET = 0x0040
    FLOAT_INFINITY = 0x7F800000
    # As bits of a float: the smallest normal float16, and from where on a float rounds to infinity.
    FLOAT16_NORMAL = 0x38800000
    FLOAT16_OVERFLOW = 0x477FF000


cdef extern from *:
    """
    #define CYRELU_UNIT 5.9604644775390625e-8f
    #define CYRELU_UNITS 16777216.0f
    #define CYRELU_HALF 0.5f
    """
    float UNIT "CYRELU_UNIT"  # the smallest subnormal float16, 2**-24
    float UNITS "CYRELU_UNITS"  # how many of them are 1
    float HALF "CYRELU_HALF"


cdef inline uint32_t bits_of(float value) noexcept nogil:
    cdef uint32_t bits
    memcpy(&bits, &value, sizeof(bits))
    return bits


cdef inline float float_of(uint32_t bits) noexcept nogil:
    cdef float value
    memcpy(&value, &bits, sizeof(bits))
    return value


# Of every narrow float, the two conversions. A NaN keeps its sign, and what fits of its payload.

cdef inline float widen(NarrowFloats* dtype, uint16_t bits) noexcept nogil:
    if NarrowFloats is tags.Float16:
        return widen_float16(bits)
    elif NarrowFloats is tags.Bfloat16:
        return float_of(<uint32_t> bits << 16)


cdef inline uint16_t narrow(NarrowFloats* dtype, float value) noexcept nogil:
    if NarrowFloats is tags.Float16:
        return narrow_to_float16(value)
    elif NarrowFloats is tags.Bfloat16:
        return narrow_to_bfloat16(value)


cdef inline float apply_to(Arithmetic* arithmetic, float left, float right) noexcept nogil:
    if Arithmetic is tags.Sum:
        return left + right
    else:
        return left * right


cdef inline uint16_t compute_one(
    Arithmetic* arithmetic, Floats16* dtype, uint16_t left, uint16_t right
) noexcept nogil:
    """The sum or product, rounded once: a float has more than twice the digits of both."""
    return narrow(dtype, apply_to(arithmetic, widen(dtype, left), widen(dtype, right)))


# Without branches, for compilers to vectorise: each case is computed, one is selected. Subnormals
# go through integers, so that the caller's flush-to-zero cannot flush them.

cdef inline uint32_t select(bint condition, uint32_t yes, uint32_t no) noexcept nogil:
    return no ^ ((yes ^ no) & -<uint32_t> condition)


cdef inline float widen_float16(uint16_t half) noexcept nogil:
    cdef uint32_t sign = (<uint32_t> half & SIGN) << 16
    cdef uint32_t magnitude = half & 0x7FFF
    cdef uint32_t subnormal = bits_of(<float> <int32_t> magnitude * UNIT)
    cdef uint32_t normal = (magnitude << 13) + (112 << 23)  # the exponents' biases are 15 and 127
    normal += (112 << 23) & -<uint32_t> (magnitude >= FLOAT16_INFINITY)
    return float_of(sign | select(magnitude < 0x0400, subnormal, normal))


cdef inline uint16_t narrow_to_float16(float value) noexcept nogil:
    cdef uint32_t bits = bits_of(value)
    cdef uint32_t sign = bits >> 16 & SIGN
    cdef uint32_t magnitude = bits & 0x7FFFFFFF
    cdef uint32_t payload = magnitude >> 13 & 0x3FF
    cdef uint32_t nan = FLOAT16_INFINITY | select(payload == 0, FLOAT16_QUIET, payload)
    cdef uint32_t number = min(magnitude, <uint32_t> FLOAT16_OVERFLOW)  # which rounds to infinity
    cdef uint32_t normal = (number + 0xFFF + (number >> 13 & 1) - (112 << 23)) >> 13
    # In units of the smallest subnormal; every step is exact, in every rounding mode.
    cdef bint is_normal = magnitude >= FLOAT16_NORMAL
    cdef float units = float_of(select(is_normal, 0, magnitude)) * UNITS
    cdef int32_t whole = <int32_t> units
    cdef float fraction = units - <float> whole
    cdef uint32_t up = select(fraction == HALF, whole & 1, fraction > HALF)
    cdef uint32_t result = select(is_normal, normal, <uint32_t> whole + up)
    return <uint16_t> (sign | select(magnitude > FLOAT_INFINITY, nan, result))


cdef inline uint16_t narrow_to_bfloat16(float value) noexcept nogil:
    cdef uint32_t bits = bits_of(value)
    if (bits & 0x7FFFFFFF) > FLOAT_INFINITY:
        return <uint16_t> (bits >> 16 | select(bits >> 16 & 0x7F == 0, BFLOAT16_QUIET, 0))
    return <uint16_t> (round_to_upper_half(bits) >> 16)


cdef inline uint32_t round_to_upper_half(uint32_t bits) noexcept nogil:
    """What rounds up is carried into the upper half. The lower half of a NaN has to be 0."""
    return bits + 0x7FFF + (bits >> 16 & 1)


cdef inline uint32_t compute_in_pairs(
    Arithmetic* arithmetic, uint32_t left, uint32_t right
) noexcept nogil:
    """The sums or products of two bfloat16 numbers and another two, both rounded.

    The lower half of a NaN among them is 0: it is that of an operand, or the default NaN.
    """
    cdef uint32_t upper = 0xFFFF0000
    cdef float of_high = apply_to(arithmetic, float_of(left & upper), float_of(right & upper))
    cdef float of_low = apply_to(arithmetic, float_of(left << 16), float_of(right << 16))
    cdef uint32_t high = bits_of(of_high)
    cdef uint32_t low = bits_of(of_low)
    return (round_to_upper_half(high) & upper) | round_to_upper_half(low) >> 16


cdef inline uint16_t round_to(Dtype dtype, double value) noexcept nogil:
    """A factor as a number of the dtype, as Python's float becomes one in NumPy and ml_dtypes."""
    cdef float nearest = <float> value
    if dtype != FLOAT16:
        return narrow_to_bfloat16(nearest)  # ml_dtypes rounds twice
    # NumPy rounds once. A float that is rounded to odd (of the two beside the value, the one with
    # an odd last bit) rounds on to the same float16 as the value itself.
    cdef uint32_t bits = bits_of(nearest)
    if <double> nearest != value and value == value:
        if (<double> nearest > value) == (value > 0):
            bits -= 1
        bits |= 1
    return narrow_to_float16(float_of(bits))


cdef inline bint is_finite(Dtype dtype, uint16_t half) noexcept nogil:
    return (half & 0x7FFF) < (FLOAT16_INFINITY if dtype == FLOAT16 else BFLOAT16_INFINITY)
