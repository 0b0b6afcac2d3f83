cdef int thread_limit() noexcept nogil
cdef bint take_processors(int threads) noexcept nogil
cdef void give_back_processors(int threads) noexcept nogil
