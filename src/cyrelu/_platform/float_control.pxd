# The floating-point environment, of which each thread has its own: the status flags, and the
# calling thread's rounding mode and flush-to-zero, to be had on other threads, too. What sets these
# two leaves exception masks and status flags alone.

# The status flags: which exceptions (division by zero, overflow, ...) arithmetic has raised.
cdef extern from "<fenv.h>" nogil:
    int FE_ALL_EXCEPT
    int fetestexcept(int exceptions)
    int feclearexcept(int exceptions)

cdef extern from *:
    """
    #if defined(__SSE__) || defined(_M_X64) || (defined(_M_IX86_FP) && _M_IX86_FP > 0)
        #ifdef _MSC_VER
            #include <intrin.h>
        #else
            #include <xmmintrin.h>
        #endif
        /* MXCSR: denormals-are-zero (bit 6), rounding control (13, 14), flush-to-zero (15). */
        #define CYRELU_FLOAT_CONTROL 0xE040u
        typedef unsigned cyrelu_float_control;
        #define cyrelu_read_float_control() _mm_getcsr()
        #define cyrelu_write_float_control(value) _mm_setcsr(value)
    #elif defined(__aarch64__) || defined(_M_ARM64)
        /* FPCR: flush-to-zero of 16 bits (bit 19), rounding mode (22, 23), flush-to-zero (24),
           default NaN (25), and what FEAT_AFP adds (0 to 2: FIZ, AH, NEP). */
        #define CYRELU_FLOAT_CONTROL 0x3C80007u
        typedef unsigned long long cyrelu_float_control;
        #if defined(_MSC_VER) && !defined(__clang__)
            #include <intrin.h>
            /* ARM64_SYSREG(3, 3, 4, 4, 0) of winnt.h */
            #define CYRELU_FPCR (1 << 14 | 3 << 11 | 4 << 7 | 4 << 3)
            #define cyrelu_read_float_control() ((unsigned long long) _ReadStatusReg(CYRELU_FPCR))
            #define cyrelu_write_float_control(value) \
                _WriteStatusReg(CYRELU_FPCR, (__int64) (value))
        #else
            static inline cyrelu_float_control cyrelu_read_float_control(void) {
                cyrelu_float_control value;
                __asm__ volatile("mrs %0, fpcr" : "=r"(value));
                return value;
            }
            static inline void cyrelu_write_float_control(cyrelu_float_control value) {
                __asm__ volatile("msr fpcr, %0" : : "r"(value));
            }
        #endif
    #else
        #include <fenv.h>
        /* Elsewhere the rounding mode, which C has a name for. */
        #define CYRELU_FLOAT_CONTROL (~0u)
        typedef unsigned cyrelu_float_control;
        #define cyrelu_read_float_control() ((unsigned) fegetround())
        #define cyrelu_write_float_control(value) ((void) fesetround((int) (value)))
    #endif

    /* Takes over another thread's; what this thread had. */
    static inline cyrelu_float_control cyrelu_take_over_float_control(
        cyrelu_float_control others) {
        cyrelu_float_control own = cyrelu_read_float_control();
        cyrelu_float_control wanted =
            (own & ~CYRELU_FLOAT_CONTROL) | (others & CYRELU_FLOAT_CONTROL);
        if (wanted != own) {
            cyrelu_write_float_control(wanted);
        }
        return own;
    }
    """
    ctypedef unsigned long long FloatControl "cyrelu_float_control"
    FloatControl read_float_control "cyrelu_read_float_control"() noexcept nogil
    FloatControl take_over_float_control "cyrelu_take_over_float_control"(
        FloatControl others
    ) noexcept nogil
