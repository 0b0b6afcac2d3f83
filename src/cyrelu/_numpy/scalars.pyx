# Python integers, NumPy's scalars, and arrays without dimensions.

cimport numpy as cnp
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyrelu._loops.dtypes cimport (
    BOOL,
    FIRST_FLOAT,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    Dtype,
    integer,
    itemsize,
)
from cyrelu._numpy.dtypes cimport (
    NO_DTYPE,
    NPY_NOTYPE,
    NPY_USERDEF,
    number_of_scalar_type,
)
from cyrelu._numpy.ml_types cimport number_of_ml_scalar
from cyrelu._numpy.operands cimport dtype_of, read_number

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
    return number_of_ml_scalar(value) if number == NPY_NOTYPE else number


cdef bint read_other_scalar(
    object value, int type_number, Dtype dtype, Scalar* scalar
) noexcept:
    cdef long long whole
    cdef void* data
    cdef int overflow = 0
    if PyLong_CheckExact(value):
        whole = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return False
        if dtype < FIRST_FLOAT:
            return read_integer(whole, dtype, scalar)
        return read_number(<double> whole, dtype, scalar)
    if number_of_scalar(value) != type_number:
        return False
    if cnp.PyArray_CheckExact(value):
        memcpy(scalar, cnp.PyArray_DATA(<cnp.ndarray> value), itemsize(dtype))
    elif type_number >= NPY_USERDEF:  # of types that are not NumPy's own, one gets a pointer
        PyArray_ScalarAsCtype(value, &data)
        memcpy(scalar, data, itemsize(dtype))
    else:
        memcpy(scalar, &(<NumpyScalar*> value).value, itemsize(dtype))
    return True


cdef bint read_integer(long long whole, Dtype dtype, Scalar* scalar) noexcept:
    """Whether the dtype can hold the integer."""
    if dtype == BOOL:
        return False
    if dtype == INT8:
        return store_integer(<int8_t*> scalar, whole)
    if dtype == INT16:
        return store_integer(<int16_t*> scalar, whole)
    if dtype == INT32:
        return store_integer(<int32_t*> scalar, whole)
    if dtype == INT64:
        return store_integer(<int64_t*> scalar, whole)
    if dtype == UINT8:
        return store_integer(<uint8_t*> scalar, whole)
    if dtype == UINT16:
        return store_integer(<uint16_t*> scalar, whole)
    if dtype == UINT32:
        return store_integer(<uint32_t*> scalar, whole)
    return store_integer(<uint64_t*> scalar, whole)


cdef inline bint store_integer(integer* to, long long whole) noexcept:
    to[0] = <integer> whole
    return <long long> to[0] == whole and (whole < 0) == (to[0] < 0)
