from cyrelu._loops.dtypes cimport Dtype

# The dtype that NumPy knows by a number above its own; NO_DTYPE of those that are not in the table.
cdef Dtype dtype_of_user_type(int type_number) noexcept

# The number of a scalar's type, if that is in the table; else NPY_NOTYPE.
cdef int number_of_ml_scalar(object value) noexcept

# The type of a dtype's scalars; None as long as nothing has imported ml_dtypes.
cdef object ml_type(Dtype dtype)
