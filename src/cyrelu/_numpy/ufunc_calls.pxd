from cpython.object cimport PyObject

from cyrelu._loops.operations cimport Operation

# What out is where the caller did not write it: out=None says more to NumPy than no out.
cdef object NOT_GIVEN

# Calls the ufunc of an operation; its errors name the argument that was wrong.
cdef object call_ufunc(
    Operation operation,
    PyObject** given,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
)
