# The dtypes of the package ml_dtypes, which cyrelu neither needs nor imports: an array of one
# exists only once something else has. Which of them have loops is in a table (dtypes.pxd).

from cpython.object cimport Py_TYPE, PyObject

from cyrelu._numpy.dtypes cimport (
    ML_TYPE_COUNT,
    NO_DTYPE,
    NPY_NOTYPE,
    ml_dtype,
    ml_type_name,
)

import sys

import numpy as np

cdef list scalar_types = [None] * ML_TYPE_COUNT
cdef PyObject* type_pointers[ML_TYPE_COUNT]  # of scalar_types, for a comparison without a reference
cdef int[ML_TYPE_COUNT] numbers
cdef bint are_found = False


cdef bint find() except -1:
    """Look for the types, if anything has imported ml_dtypes; whether they are there."""
    global are_found
    cdef int position
    if not are_found and "ml_dtypes" in sys.modules:
        for position in range(ML_TYPE_COUNT):
            name = ml_type_name(position).decode()
            found = getattr(sys.modules["ml_dtypes"], name, None)
            if not (isinstance(found, type) and issubclass(found, np.generic)):
                return False  # it is being imported
            numbers[position] = np.dtype(found).num
            scalar_types[position] = found
            type_pointers[position] = <PyObject*> found
        are_found = True
    return are_found


cdef Dtype dtype_of_user_type(int type_number) noexcept:
    cdef int position
    if find():
        for position in range(ML_TYPE_COUNT):
            if numbers[position] == type_number:
                return ml_dtype(position)
    return NO_DTYPE


cdef int number_of_ml_scalar(object value) noexcept:
    cdef int position
    if are_found or (isinstance(value, np.generic) and find()):
        for position in range(ML_TYPE_COUNT):
            if type_pointers[position] == <PyObject*> Py_TYPE(value):
                return numbers[position]
    return NPY_NOTYPE


cdef object ml_type(Dtype dtype):
    cdef int position
    if find():
        for position in range(ML_TYPE_COUNT):
            if ml_dtype(position) == dtype:
                return scalar_types[position]
    return None
