cimport numpy as cnp

cdef enum:
    # From here on glibc's malloc, too, returns every freed buffer to the kernel.
    MIN_CACHED_BYTES = 32 << 20

# Arrays that NumPy makes between these two take the cached buffer, if they are large, and return
# theirs to the cache.
cdef object start_caching()
cdef int stop_caching(object before) except -1

# Whether the array's buffer was another's before: then its pages are there already.
cdef bint is_reused(cnp.ndarray array) noexcept

# Frees the cached buffer; whether there was one: then an allocation that failed may be tried again.
cpdef bint empty_cache() noexcept nogil

# What tests change (_testing.pyx).
cdef size_t max_cached_bytes
