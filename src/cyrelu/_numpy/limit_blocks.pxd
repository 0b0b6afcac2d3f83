# The limit of the innermost num_threads block in the current context; NO_BLOCK outside of all.
cdef int context_limit() except -1

cdef int entered_blocks  # for tests

# What code without the GIL sees on this thread, for the time of one call: what the context says.
# Returns what to put back.
cdef Py_ssize_t take_over_context_limit() except -1
cdef int put_back(Py_ssize_t before) except -1
