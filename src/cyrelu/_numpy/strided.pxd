from cpython.object cimport PyObject

from cyrelu._numpy.classification cimport Arguments

# The result for arrays of arbitrary strides, which may broadcast; None, and nothing done, where out
# does not fit, or the arrays are too few to be worth it.
cdef object call_strided(PyObject** given, object out, Arguments* arguments)

# The same with a mask: all elements are computed, and those where it is true stored. If they are
# many, NumPy calls a ufunc's inner loop for each run of them, which takes longer.
cdef object call_strided_where(PyObject** given, object out, object where, Arguments* arguments)
