# Which Python objects the loops take as operands as they are: arrays of their dtypes, and Python
# numbers as factors.

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_CheckExact
from libc.math cimport isfinite

from cyrelu._loops.dtypes cimport FLOAT32, Dtype
from cyrelu._numpy.dtypes cimport NO_DTYPE, dtype_of_number


cdef inline Dtype dtype_of(cnp.ndarray array) noexcept:
    """The dtype of an array that is aligned and of native byte order; NO_DTYPE of any other."""
    if cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_ALIGNED and cnp.PyArray_ISNOTSWAPPED(array):
        return dtype_of_number(cnp.PyArray_TYPE(array))
    return NO_DTYPE


cdef union Factor:
    float f32
    double f64


cdef inline bint take_factor(object value, Dtype dtype, Factor* factor) noexcept:
    """A Python number as a factor of the arrays' dtype (NEP 50: it is weak); False for others."""
    cdef int overflow = 0
    if PyFloat_CheckExact(value):
        factor.f64 = PyFloat_AS_DOUBLE(value)
    elif PyLong_CheckExact(value):
        factor.f64 = <double> PyLong_AsLongAndOverflow(value, &overflow)
        if overflow:
            return False
    else:
        return False
    if dtype == FLOAT32:
        if isfinite(factor.f64) and not isfinite(<float> factor.f64):
            return False  # too large for float32: NumPy's to convert, with its warning
        factor.f32 = <float> factor.f64
    return True
