from cpython.object cimport PyObject

from cyrelu._loops.operations cimport Operation

# What out is where the caller did not write it: out=None says more to NumPy than no out.
cdef object NOT_GIVEN

# The keywords of all ufuncs, as borrowed references.
cdef struct Keywords:
    PyObject* out
    PyObject* where
    PyObject* casting
    PyObject* order
    PyObject* dtype
    PyObject* subok

# Calls the ufunc of an operation; its errors name the argument that was wrong.
cdef object call_ufunc(Operation operation, PyObject** given, const Keywords* keywords)
