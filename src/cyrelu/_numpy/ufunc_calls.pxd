from cpython.object cimport PyObject

from cyrelu._loops.operations cimport Operation

# What out is where the caller did not write it: out=None says more to NumPy than no out.
cdef object NOT_GIVEN

# The other keywords of all ufuncs, as borrowed references.
cdef struct Keywords:
    PyObject* where
    PyObject* casting
    PyObject* order
    PyObject* dtype
    PyObject* subok


cdef inline bint are_defaults(
    object where, object casting, object order, object dtype, object subok
) noexcept:
    return (
        where is True
        and casting is "same_kind"
        and order is "K"
        and dtype is None
        and subok is True
    )


# Calls the ufunc of an operation; its errors name the argument that was wrong. NULL: all keywords
# are the defaults.
cdef object call_ufunc(
    Operation operation, PyObject** given, object out, const Keywords* keywords
)
