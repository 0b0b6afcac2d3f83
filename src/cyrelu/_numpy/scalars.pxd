from libc.stdint cimport int64_t, uint16_t

from cyrelu._loops.dtypes cimport Dtype

# What Operands point to where an operand is a scalar.
cdef union Scalar:
    uint16_t narrow  # the bits of a narrow float
    float f32
    double f64
    int64_t integer  # or any other, in its first bytes

# NumPy's type number of a scalar, or of an array without dimensions; else NPY_NOTYPE.
cdef int number_of_scalar(object value) noexcept

# read_scalar for all that is not a Python float.
cdef bint read_other_scalar(object value, int type_number, Dtype dtype, Scalar* scalar) noexcept
