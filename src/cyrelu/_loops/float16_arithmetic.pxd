# Sums and products of float16 numbers with the conversions of processors: x86's F16C and AVX-512,
# Arm's. They agree with those of conversions.pxd, which serve all others.

from libc.stdint cimport uint16_t

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__F16C__) || (defined(_MSC_VER) && defined(__AVX2__))
        #include <immintrin.h>
        /* to nearest even, whatever MXCSR says */
        #define CYRELU_NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
        #define cyrelu_converts_float16() 1
        #if defined(__AVX512F__)
            #define CYRELU_HALFS 16
            typedef __m512 cyrelu_floats;
            #define cyrelu_mul _mm512_mul_ps
            #define cyrelu_add _mm512_add_ps
            #define cyrelu_load(from) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from)))
            #define cyrelu_broadcast(half) _mm512_cvtph_ps(_mm256_set1_epi16((short)(half)))
            #define cyrelu_store(to, floats) \\
                _mm256_storeu_si256((__m256i *)(to), _mm512_cvtps_ph(floats, CYRELU_NEAREST))
        #else
            #define CYRELU_HALFS 8
            typedef __m256 cyrelu_floats;
            #define cyrelu_mul _mm256_mul_ps
            #define cyrelu_add _mm256_add_ps
            #define cyrelu_load(from) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from)))
            #define cyrelu_broadcast(half) _mm256_cvtph_ps(_mm_set1_epi16((short)(half)))
            #define cyrelu_store(to, floats) \\
                _mm_storeu_si128((__m128i *)(to), _mm256_cvtps_ph(floats, CYRELU_NEAREST))
        #endif
    #elif defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__)
        #include <arm_neon.h>
        #define CYRELU_HALFS 4
        typedef float32x4_t cyrelu_floats;
        #define cyrelu_mul vmulq_f32
        #define cyrelu_add vaddq_f32
        #define cyrelu_load(from) \\
            vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)(from))))
        #define cyrelu_broadcast(half) vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half)))
        #define cyrelu_store(to, floats) \\
            vst1_u16((uint16_t *)(to), vreinterpret_u16_f16(vcvt_f16_f32(floats)))

        /* Arm's rounds as FPCR says, in bits 22 and 23; bit 26 selects another format. */
        static CYTHON_INLINE int cyrelu_converts_float16(void) {
            uint64_t fpcr;
            __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
            return (fpcr >> 22 & 0x13) == 0;
        }
    #else
        #define cyrelu_converts_float16() 0
    #endif

    #if defined(CYRELU_HALFS)
        static CYTHON_INLINE cyrelu_floats cyrelu_compute(
            int is_sum, cyrelu_floats left, cyrelu_floats right)
        {
            return is_sum ? cyrelu_add(left, right) : cyrelu_mul(left, right);
        }

        /* step: from one number on the left to the next, 0 or 1 */
        static CYTHON_INLINE void cyrelu_compute_float16(
            int is_sum, const uint16_t *left, int step, const uint16_t *right, uint16_t *result,
            Py_ssize_t n)
        {
            uint16_t lefts[CYRELU_HALFS] = {0}, rights[CYRELU_HALFS] = {0};
            cyrelu_floats floats = cyrelu_broadcast(left[0]);
            Py_ssize_t i = 0;
            if (step == 0) {
                for (; i + CYRELU_HALFS <= n; i += CYRELU_HALFS)
                    cyrelu_store(
                        result + i, cyrelu_compute(is_sum, floats, cyrelu_load(right + i)));
            } else {
                for (; i + CYRELU_HALFS <= n; i += CYRELU_HALFS)
                    cyrelu_store(
                        result + i,
                        cyrelu_compute(is_sum, cyrelu_load(left + i), cyrelu_load(right + i)));
                memcpy(lefts, left + i, (size_t)(n - i) * sizeof *left);
                floats = cyrelu_load(lefts);
            }
            if (i < n) {
                const size_t rest = (size_t)(n - i) * sizeof *right;
                memcpy(rights, right + i, rest);
                cyrelu_store(rights, cyrelu_compute(is_sum, floats, cyrelu_load(rights)));
                memcpy(result + i, rights, rest);
            }
        }
    #else
        #define cyrelu_compute_float16(is_sum, left, step, right, result, n) ((void)0)
    #endif
    """
    # Whether the processor does it, and rounds to nearest even.
    bint converts_float16 "cyrelu_converts_float16"() noexcept nogil
    void compute_float16 "cyrelu_compute_float16"(
        bint is_sum, const uint16_t* left, bint step, const uint16_t* right, uint16_t* result,
        Py_ssize_t n,
    ) noexcept nogil
