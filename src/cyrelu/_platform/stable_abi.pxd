# What CPython's stable ABI lacks, and what builds for it use instead: faster where it is there.

from cpython.object cimport PyObject

cdef extern from *:
    """
    #ifdef Py_LIMITED_API
        #define cyrelu_float_as_double PyFloat_AsDouble
        static CYTHON_INLINE int cyrelu_get_context_variable(
            PyObject* variable, PyObject** value
        ) {
            *value = PyObject_CallMethod(variable, "get", NULL);
            return *value == NULL ? -1 : 0;
        }
    #else
        #define cyrelu_float_as_double PyFloat_AS_DOUBLE
        #define cyrelu_get_context_variable(variable, value) \\
            PyContextVar_Get(variable, NULL, value)
    #endif
    """
    # Of an exact float.
    double float_as_double "cyrelu_float_as_double"(object value) noexcept
    # A new reference to the variable's value, or to its default.
    int get_context_variable "cyrelu_get_context_variable"(
        object variable, PyObject** value
    ) except -1
