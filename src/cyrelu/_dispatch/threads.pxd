# How many threads a call may use now, from this thread.
cdef int thread_limit() noexcept nogil

# Whether a team may start; if so, it is to be given back.
cdef bint take_processors(int threads) noexcept nogil
cdef void give_back_processors(int threads) noexcept nogil

# The threads in teams at work, in the whole process.
cdef int busy
