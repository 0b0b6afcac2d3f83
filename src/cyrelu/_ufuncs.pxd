# The ufuncs in the order of Operation.
cdef tuple ufuncs
