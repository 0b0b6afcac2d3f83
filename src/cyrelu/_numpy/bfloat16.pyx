# bfloat16 is a dtype of the package ml_dtypes, which cyrelu neither needs nor imports: an array of
# it exists only once something else has.

from cpython.object cimport Py_TYPE, PyObject

from cyrelu._numpy.dtypes cimport NPY_NOTYPE

import numpy as np

from cyrelu._numpy.resolution import bfloat16

cdef object scalar_type = None
cdef PyObject* type_pointer = NULL  # of scalar_type, for a comparison without a reference
cdef int number = NPY_NOTYPE


cdef int find() except -1:
    """Look for the type among the modules that have been imported."""
    global scalar_type, number, type_pointer
    found = bfloat16()
    if found is not None:
        number = np.dtype(found).num
        scalar_type = found
        type_pointer = <PyObject*> found
    return 0


cdef int bfloat16_number() noexcept:
    if number == NPY_NOTYPE:
        find()
    return number


cdef object bfloat16_type():
    bfloat16_number()
    return scalar_type


cdef int number_of_bfloat16_scalar(object value) noexcept:
    if type_pointer == NULL and isinstance(value, np.generic):
        find()
    is_bfloat16 = type_pointer != NULL and <PyObject*> Py_TYPE(value) == type_pointer
    return number if is_bfloat16 else NPY_NOTYPE
