# Typed memoryviews made from bare pointers, without a Python object and without the GIL.

# A typed memoryview is this struct in C (Cython's own name for it). Declaring it lets a loop fill
# the struct and call the typed function through a cast to the very same C signature. Compilers
# inline that call, so the views cost nothing. The fields are those of Cython 3; another layout does
# not compile.
cdef extern from *:
    ctypedef struct View "__Pyx_memviewslice":
        void* memview
        char* data
        Py_ssize_t[8] shape
        Py_ssize_t[8] strides
        Py_ssize_t[8] suboffsets


cdef inline View view(char* data, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    """A one-dimensional view of n elements, stride bytes apart."""
    cdef View result
    result.memview = NULL
    result.data = data
    result.shape[0] = n
    result.strides[0] = stride
    result.suboffsets[0] = -1
    return result
