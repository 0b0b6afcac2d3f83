cdef int thread_limit() noexcept nogil
