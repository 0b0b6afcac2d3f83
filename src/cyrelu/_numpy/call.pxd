from cpython.object cimport PyObject

from cyrelu._loops.operations cimport Operation
from cyrelu._numpy.ufunc_calls cimport Keywords

ctypedef PyObject* Borrowed  # a reference that the caller holds

# One call of a public function. given: an object for each input that the operation takes, NULL for
# the others. keywords: NULL where all are the defaults.
cdef object call(Operation operation, PyObject** given, object out, const Keywords* keywords)

# What stands for at_zero where x is the output of the forward pass: a slope that keeps the sign.
cdef object check_slope(Operation operation, object negative_slope)
