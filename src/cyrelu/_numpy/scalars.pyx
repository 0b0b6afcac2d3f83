# Python integers, NumPy's scalars, and arrays without dimensions.

cimport numpy as cnp
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

from cyrelu._loops.dtypes cimport BFLOAT16, Dtype, itemsize
from cyrelu._numpy.bfloat16 cimport number_of_bfloat16_scalar
from cyrelu._numpy.dtypes cimport NO_DTYPE, NPY_NOTYPE, number_of_scalar_type
from cyrelu._numpy.operands cimport dtype_of, take_number

cdef extern from "numpy/arrayobject.h":
    void PyArray_ScalarAsCtype(object scalar, void* value)

# In all of NumPy's scalars the value comes after the head of the object, whose size is a multiple
# of 8. PyArray_ScalarAsCtype takes some 60 ns longer. NumPy's own declarations of the scalars are
# not for the stable ABI.
cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        double value;
    } cyrelu_numpy_scalar;
    """
    ctypedef struct NumpyScalar "cyrelu_numpy_scalar":
        double value

cnp.import_array()


cdef int number_of_scalar(object value) noexcept:
    if cnp.PyArray_CheckExact(value):
        if cnp.PyArray_NDIM(<cnp.ndarray> value) == 0 and dtype_of(<cnp.ndarray> value) != NO_DTYPE:
            return cnp.PyArray_TYPE(<cnp.ndarray> value)
        return NPY_NOTYPE
    cdef int number = number_of_scalar_type(value)
    return number_of_bfloat16_scalar(value) if number == NPY_NOTYPE else number


cdef bint take_other_scalar(
    object value, int type_number, Dtype dtype, Scalar* scalar
) noexcept:
    cdef long long whole
    cdef void* data
    cdef int overflow = 0
    if PyLong_CheckExact(value):
        whole = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return False
        if type_number == cnp.NPY_INTP:
            scalar.intp = <cnp.npy_intp> whole
            return scalar.intp == whole
        return take_number(<double> whole, dtype, scalar)
    if number_of_scalar(value) != type_number:
        return False
    if cnp.PyArray_CheckExact(value):
        memcpy(scalar, cnp.PyArray_DATA(<cnp.ndarray> value), itemsize(dtype))
    elif dtype == BFLOAT16:  # of types that are not NumPy's own, one gets a pointer
        PyArray_ScalarAsCtype(value, &data)
        scalar.f16 = (<uint16_t*> data)[0]
    else:
        memcpy(scalar, &(<NumpyScalar*> value).value, itemsize(dtype))
    return True
