from cyrelu._loops.operations cimport Operation

# The names of an operation's inputs, in order.
cdef list input_names(Operation operation)

# In the order of the operations.
cdef tuple ufuncs
