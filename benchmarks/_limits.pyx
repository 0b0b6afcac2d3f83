# Limits of the machine, for comparison: copies, scaling, and a call that does nothing.

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stddef.h>
    #include <string.h>
    #if defined(__x86_64__) || defined(_M_X64)
        #include <emmintrin.h>
        #include <stdint.h>
        #define LIMITS_STREAMING 1
        static void limits_stream(char *out, const char *in, size_t n)
        {
            size_t head = (size_t)(-(intptr_t)out & 15), i;
            head = head < n ? head : n;
            memcpy(out, in, head);
            for (i = head; i + 64 <= n; i += 64) {
                __m128i a = _mm_loadu_si128((const __m128i *)(in + i));
                __m128i b = _mm_loadu_si128((const __m128i *)(in + i + 16));
                __m128i c = _mm_loadu_si128((const __m128i *)(in + i + 32));
                __m128i d = _mm_loadu_si128((const __m128i *)(in + i + 48));
                _mm_stream_si128((__m128i *)(out + i), a);
                _mm_stream_si128((__m128i *)(out + i + 16), b);
                _mm_stream_si128((__m128i *)(out + i + 32), c);
                _mm_stream_si128((__m128i *)(out + i + 48), d);
            }
            memcpy(out + i, in + i, n - i);
            _mm_sfence();
        }
    #else
        #define LIMITS_STREAMING 0
        #define limits_stream memcpy
    #endif
    """
    bint LIMITS_STREAMING
    void limits_stream(char* out, const char* x, size_t n) noexcept nogil

streaming = LIMITS_STREAMING

cdef enum:
    PAGE_BYTES = 4096


def empty_call(
    x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True
):
    """A call with the signature of cyrelu.relu that does nothing."""
    return out


def copy(const floating[::1] x, floating[::1] out, int threads):
    """memcpy, with one part for each thread."""
    split(&x[0], &out[0], x.shape[0] * sizeof(floating), threads, False)


def stream_copy(const floating[::1] x, floating[::1] out, int threads):
    """A copy with streaming (non-temporal) stores, where the processor has them."""
    split(&x[0], &out[0], x.shape[0] * sizeof(floating), threads, True)


def scale(floating[::1] x, floating factor, int threads):
    """x *= factor."""
    cdef Py_ssize_t i
    for i in prange(x.shape[0], num_threads=threads, schedule="static", nogil=True):
        x[i] *= factor


cdef void split(
    const void* x, void* out, Py_ssize_t n, int threads, bint stream
) noexcept:
    cdef Py_ssize_t k, start, stop
    cdef Py_ssize_t length = (n // threads // PAGE_BYTES + 1) * PAGE_BYTES
    for k in prange(threads, num_threads=threads, schedule="static", nogil=True):
        start = min(n, k * length)
        stop = min(n, start + length)
        if stream:
            limits_stream(<char*> out + start, <const char*> x + start, stop - start)
        else:
            memcpy(<char*> out + start, <const char*> x + start, stop - start)
