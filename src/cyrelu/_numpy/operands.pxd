# Which Python objects the loops take as operands as they are: arrays of their dtypes; as factors,
# and in place of arrays where all operands are scalars, Python numbers and NumPy's scalars.

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_CheckExact
from libc.math cimport isfinite
from libc.string cimport memcpy

from cyrelu._loops.dtypes cimport FLOAT32, Dtype, itemsize
from cyrelu._numpy.dtypes cimport NO_DTYPE, dtype_of_number, dtype_of_scalar_type


cdef extern from "numpy/arrayscalars.h":
    ctypedef struct PyFloatScalarObject:
        float obval
    ctypedef struct PyDoubleScalarObject:
        double obval


cdef inline Dtype dtype_of(cnp.ndarray array) noexcept:
    """The dtype of an array that is aligned and of native byte order; NO_DTYPE of any other."""
    if cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_ALIGNED and cnp.PyArray_ISNOTSWAPPED(array):
        return dtype_of_number(cnp.PyArray_TYPE(array))
    return NO_DTYPE


cdef union Factor:
    float f32
    double f64


cdef inline Dtype dtype_of_scalar(object value) noexcept:
    """The dtype of a NumPy scalar or of an array without dimensions; NO_DTYPE of anything else."""
    if cnp.PyArray_CheckExact(value):
        if cnp.PyArray_NDIM(<cnp.ndarray> value) == 0:
            return dtype_of(<cnp.ndarray> value)
        return NO_DTYPE
    return dtype_of_scalar_type(value)


cdef inline bint take_factor(object value, Dtype dtype, Factor* factor) noexcept:
    """A scalar as a factor of the arrays' dtype; False if NumPy has to decide.

    A Python number is weak (NEP 50) and takes the dtype; a NumPy scalar has to have it.
    """
    cdef int overflow = 0
    if PyFloat_CheckExact(value):
        factor.f64 = PyFloat_AS_DOUBLE(value)
    elif PyLong_CheckExact(value):
        factor.f64 = <double> PyLong_AsLongAndOverflow(value, &overflow)
        if overflow:
            return False
    elif dtype_of_scalar(value) != dtype:
        return False
    elif cnp.PyArray_CheckExact(value):
        memcpy(factor, cnp.PyArray_DATA(<cnp.ndarray> value), itemsize(dtype))
        return True
    elif dtype == FLOAT32:
        factor.f32 = (<PyFloatScalarObject*> value).obval
        return True
    else:
        factor.f64 = (<PyDoubleScalarObject*> value).obval
        return True
    if dtype == FLOAT32:
        if isfinite(factor.f64) and not isfinite(<float> factor.f64):
            return False  # too large for float32: NumPy's to convert, with its warning
        factor.f32 = <float> factor.f64
    return True
