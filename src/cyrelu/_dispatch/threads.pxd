# How many threads a call may use now, from this thread.
cdef int thread_limit() noexcept nogil
