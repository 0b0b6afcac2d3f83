cdef enum:
    NO_BLOCK = 0
    BLOCK_OF_THREAD = -1  # what the calling thread has stored; for code that runs without the GIL

# How many threads a call may use now, from this thread, inside a num_threads block of this limit.
cdef int thread_limit(int block_limit) noexcept nogil

# What a thread has stored: a pointer to the limit of its last block, NULL outside of all; and for
# the time of one call 0 or OVERRIDDEN + the limit of the block that the call is in.
cdef enum:
    OVERRIDDEN = 1

cdef int* stored_limit() noexcept nogil
cdef int set_stored_limit(int* limit) except -1
cdef Py_ssize_t override_of_thread() noexcept nogil
cdef int set_override_of_thread(Py_ssize_t override) except -1
