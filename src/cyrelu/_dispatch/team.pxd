ctypedef void (*RunChunk)(const void* call, Py_ssize_t k) noexcept nogil

# Runs the chunks 0, ..., chunks - 1 of a call on the calling thread and the team, if it is free, of
# up to so many helpers. Returns, with all chunks done, whether the team was asked.
cdef bint run_chunks(
    RunChunk run_chunk, const void* call, Py_ssize_t chunks, int helpers
) noexcept nogil

# What tests change and look at (_testing.pyx).
cdef bint take_team() noexcept nogil
cdef void give_back_team() noexcept nogil
cdef int helper_threads() noexcept nogil  # that there are now
