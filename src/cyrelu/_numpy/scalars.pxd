cimport numpy as cnp
from libc.stdint cimport uint16_t

from cyrelu._loops.dtypes cimport Dtype

# What Operands point to where an operand is a scalar.
cdef union Scalar:
    uint16_t f16
    float f32
    double f64
    cnp.npy_intp intp

# NumPy's type number of a scalar, or of an array without dimensions; else NPY_NOTYPE.
cdef int number_of_scalar(object value) noexcept

# take_scalar for all that is not a Python float.
cdef bint take_other_scalar(object value, int type_number, Dtype dtype, Scalar* scalar) noexcept
