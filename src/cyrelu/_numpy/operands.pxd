# Which Python objects the loops take as operands as they are: arrays of their dtypes; as factors,
# and in place of arrays where all operands are scalars, Python numbers and NumPy's scalars.

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from libc.math cimport isfinite
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

from cyrelu._loops.conversions cimport is_finite, rounded_to
from cyrelu._loops.dtypes cimport BFLOAT16, FIRST_FLOAT, FLOAT32, FLOAT64, Dtype, itemsize
from cyrelu._loops.operations cimport Operation, takes_integers
from cyrelu._numpy.bfloat16 cimport bfloat16_number, number_of_bfloat16_scalar
from cyrelu._numpy.dtypes cimport (
    NO_DTYPE,
    NPY_NOTYPE,
    NPY_USERDEF,
    dtype_of_number,
    number_of_scalar_type,
)


cdef extern from "numpy/arrayobject.h":
    void PyArray_ScalarAsCtype(object scalar, void* value)

# In all of NumPy's scalars the value comes after the head of the object, whose size is a multiple
# of 8. PyArray_ScalarAsCtype takes some 60 ns longer.
cdef extern from "numpy/arrayscalars.h":
    ctypedef struct PyDoubleScalarObject:
        double obval


# What Operands point to where an operand is a scalar.
cdef union Scalar:
    uint16_t f16
    float f32
    double f64
    cnp.npy_intp intp


cdef inline Dtype dtype_of_type_number(int type_number) noexcept:
    if type_number >= NPY_USERDEF:
        return BFLOAT16 if type_number == bfloat16_number() else NO_DTYPE
    return dtype_of_number(type_number)


cdef inline Dtype dtype_of(cnp.ndarray array) noexcept:
    """The dtype of an array that is aligned and of native byte order; NO_DTYPE of any other."""
    if cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_ALIGNED and cnp.PyArray_ISNOTSWAPPED(array):
        return dtype_of_type_number(cnp.PyArray_TYPE(array))
    return NO_DTYPE


cdef inline bint has_loop(Operation operation, Dtype dtype) noexcept:
    return dtype >= FIRST_FLOAT or (dtype != NO_DTYPE and takes_integers(operation))


cdef inline int number_of_scalar(object value) noexcept:
    """NumPy's type number of a scalar, or of an array without dimensions; else NPY_NOTYPE."""
    if cnp.PyArray_CheckExact(value):
        if cnp.PyArray_NDIM(<cnp.ndarray> value) == 0 and dtype_of(<cnp.ndarray> value) != NO_DTYPE:
            return cnp.PyArray_TYPE(<cnp.ndarray> value)
        return NPY_NOTYPE
    cdef int number = number_of_scalar_type(value)
    return number_of_bfloat16_scalar(value) if number == NPY_NOTYPE else number


cdef inline bint take_scalar(object value, int type_number, Scalar* scalar) noexcept:
    """A scalar as a number of this type; False if NumPy has to decide.

    A Python number is weak (NEP 50) and takes a floating type, an integer also NumPy's default one;
    a NumPy scalar has to have the type.
    """
    cdef Dtype dtype = dtype_of_type_number(type_number)
    cdef double number
    cdef long long whole
    cdef void* data
    cdef int overflow = 0
    if PyFloat_CheckExact(value):
        number = PyFloat_AS_DOUBLE(value)
    elif PyLong_CheckExact(value):
        whole = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return False
        if type_number == cnp.NPY_INTP:
            scalar.intp = <cnp.npy_intp> whole
            return scalar.intp == whole
        number = <double> whole
    elif number_of_scalar(value) != type_number:
        return False
    elif cnp.PyArray_CheckExact(value):
        memcpy(scalar, cnp.PyArray_DATA(<cnp.ndarray> value), itemsize(dtype))
        return True
    elif dtype == BFLOAT16:  # of types that are not NumPy's own, one gets a pointer
        PyArray_ScalarAsCtype(value, &data)
        scalar.f16 = (<uint16_t*> data)[0]
        return True
    else:
        memcpy(scalar, &(<PyDoubleScalarObject*> value).obval, itemsize(dtype))
        return True
    if dtype == FLOAT64:
        scalar.f64 = number
        return True
    # What is too large is NumPy's to convert, with its warning.
    if dtype == FLOAT32:
        scalar.f32 = <float> number
        return isfinite(scalar.f32) or not isfinite(number)
    if dtype < FIRST_FLOAT:
        return False
    scalar.f16 = rounded_to(dtype, number)
    return is_finite(dtype, scalar.f16) or not isfinite(number)
