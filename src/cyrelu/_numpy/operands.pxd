# Which Python objects the loops take as operands as they are: arrays of their dtypes; Python
# numbers and NumPy's scalars. What most calls need is here; the rest is in scalars.pyx.

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from libc.math cimport isfinite

from cyrelu._loops.conversions cimport is_finite, round_to
from cyrelu._loops.dtypes cimport FIRST_FLOAT, FLOAT32, FLOAT64, Dtype
from cyrelu._loops.operations cimport Operation, has_loop
from cyrelu._numpy.dtypes cimport NO_DTYPE, NPY_USERDEF, dtype_of_number
from cyrelu._numpy.ml_types cimport dtype_of_user_type
from cyrelu._numpy.scalars cimport Scalar, read_other_scalar
from cyrelu._platform.stable_abi cimport float_as_double


cdef inline Dtype dtype_of_type_number(int type_number) noexcept:
    if type_number >= NPY_USERDEF:
        return dtype_of_user_type(type_number)
    return dtype_of_number(type_number)


cdef inline bint is_native(cnp.ndarray array) noexcept:
    """Whether it is aligned and of native byte order."""
    return cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_ALIGNED and cnp.PyArray_ISNOTSWAPPED(array)


cdef inline Dtype dtype_of(cnp.ndarray array) noexcept:
    """The dtype of an array that is aligned and of native byte order; NO_DTYPE of any other."""
    return dtype_of_type_number(cnp.PyArray_TYPE(array)) if is_native(array) else NO_DTYPE


cdef inline bint supports(Operation operation, Dtype dtype) noexcept:
    return dtype != NO_DTYPE and has_loop(operation, dtype)


cdef inline bint read_scalar(
    object value, int type_number, Dtype dtype, Scalar* scalar
) noexcept:
    """A scalar as a number of this type, which the dtype has; False if NumPy has to decide.

    A Python number is weak (NEP 50) and takes the type, if that can hold it; a NumPy scalar has to
    have it.
    """
    if PyFloat_CheckExact(value):
        return read_number(float_as_double(value), dtype, scalar)
    return read_other_scalar(value, type_number, dtype, scalar)


cdef inline bint read_number(double number, Dtype dtype, Scalar* scalar) noexcept:
    if dtype == FLOAT64:
        scalar.f64 = number
        return True
    # What is too large is NumPy's to convert, with its warning.
    if dtype == FLOAT32:
        scalar.f32 = <float> number
        return isfinite(scalar.f32) or not isfinite(number)
    if dtype < FIRST_FLOAT:
        return False
    scalar.narrow = round_to(dtype, number)
    return is_finite(dtype, scalar.narrow) or not isfinite(number)
