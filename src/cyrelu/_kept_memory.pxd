cimport numpy as cnp

cdef enum:
    # From here on glibc's malloc, too, hands every freed block straight back to the kernel.
    LEAST_KEPT_BYTES = 32 << 20

# Arrays that NumPy makes between these two take kept memory if they are large, and leave it.
cdef object begin_keeping()
cdef int end_keeping(object before) except -1

# Whether the array's memory was another's before: then its pages are there already.
cdef bint is_reused(cnp.ndarray array) noexcept
