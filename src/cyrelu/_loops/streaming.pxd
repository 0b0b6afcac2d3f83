# Streaming (non-temporal) stores and prefetching, as wide as the instruction set of the module
# allows.
#
# A store into the cache first reads the line from memory; a streaming store does not, which saves a
# third of the traffic where out exceeds the last-level cache (benchmarks/NOTES.md).

cdef extern from *:
    """
    #if defined(__SSE2__) || defined(_M_X64)
        #include <immintrin.h>
        #define CYRELU_CAN_STREAM 1

        /* lines of 64 bytes; both pointers at the beginning of one */
        static CYTHON_INLINE void cyrelu_stream(char *to, const char *from, Py_ssize_t lines) {
            for (; lines > 0; lines--, to += 64, from += 64) {
            #if defined(__AVX512F__)
                _mm512_stream_si512((void *)to, _mm512_load_si512((const void *)from));
            #elif defined(__AVX__)
                int k;
                for (k = 0; k < 64; k += 32)
                    _mm256_stream_si256(
                        (__m256i *)(to + k), _mm256_load_si256((const __m256i *)(from + k)));
            #else
                int k;
                for (k = 0; k < 64; k += 16)
                    _mm_stream_si128(
                        (__m128i *)(to + k), _mm_load_si128((const __m128i *)(from + k)));
            #endif
            }
        }

        /* into L2; prefetching past the end of an array is harmless */
        static CYTHON_INLINE void cyrelu_prefetch(const char *from, Py_ssize_t lines) {
            for (; lines > 0; lines--, from += 64) _mm_prefetch(from, _MM_HINT_T1);
        }

        /* before other threads may learn of what was streamed */
        static CYTHON_INLINE void cyrelu_stream_fence(void) { _mm_sfence(); }
    #else
        #define CYRELU_CAN_STREAM 0
        static CYTHON_INLINE void cyrelu_stream(char *to, const char *from, Py_ssize_t lines) {
            memcpy(to, from, (size_t)lines * 64);
        }
        static CYTHON_INLINE void cyrelu_prefetch(const char *from, Py_ssize_t lines) {
            (void)from, (void)lines;
        }
        static CYTHON_INLINE void cyrelu_stream_fence(void) {}
    #endif
    """
    bint CAN_STREAM "CYRELU_CAN_STREAM"
    void stream "cyrelu_stream"(char* to, const char* source, Py_ssize_t lines) noexcept nogil
    void prefetch "cyrelu_prefetch"(const char* source, Py_ssize_t lines) noexcept nogil
    void stream_fence "cyrelu_stream_fence"() noexcept nogil
