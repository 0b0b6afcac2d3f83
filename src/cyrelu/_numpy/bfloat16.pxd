# NumPy's type number of ml_dtypes' bfloat16; NPY_NOTYPE as long as nothing has imported ml_dtypes.
cdef int bfloat16_number() noexcept

# The type of its scalars; None as long as nothing has.
cdef object bfloat16_type()

# Its number, if the value is a scalar of that type.
cdef int number_of_bfloat16_scalar(object value) noexcept
