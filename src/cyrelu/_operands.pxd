# What may go to the kernels as it is: arrays of their types, and Python numbers as factors.

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_CheckExact
from libc.math cimport isfinite


cdef inline bint is_computable(cnp.ndarray array) noexcept:
    """float32 or float64, native, aligned."""
    cdef int type_number = cnp.PyArray_TYPE(array)
    return (
        (type_number == cnp.NPY_FLOAT or type_number == cnp.NPY_DOUBLE)
        and cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_ALIGNED
        and cnp.PyArray_ISNOTSWAPPED(array)
    )


cdef union Factor:
    float f32
    double f64


cdef inline bint take_factor(object value, bint single, Factor* factor) noexcept:
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
    if single:
        if isfinite(factor.f64) and not isfinite(<float> factor.f64):
            return False  # too large for float32: NumPy's to convert, with its warning
        factor.f32 = <float> factor.f64
    return True
