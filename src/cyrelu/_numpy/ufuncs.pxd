from cyrelu._loops.operations cimport Operation

# The names of an operation's inputs, in order.
cdef list input_names(Operation operation)

# In the order of the operations.
cdef tuple ufuncs

# The types of ml_dtypes, if they are there, for which an operation has loops.
cdef list ml_types_of(Operation operation)
