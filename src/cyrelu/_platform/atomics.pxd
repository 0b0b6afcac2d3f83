# Atomic operations, and the hint of a loop that waits. Doubles are relaxed. Integers and pointers
# acquire and release: who sees a value that was stored also sees what was written before it.

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
        static inline double cyrelu_load_double(const double* number) {
            double value;
            __atomic_load(number, &value, __ATOMIC_RELAXED);
            return value;
        }
        static inline void cyrelu_store_double(double* number, double value) {
            __atomic_store(number, &value, __ATOMIC_RELAXED);
        }
        #define cyrelu_load_int(number) __atomic_load_n(number, __ATOMIC_ACQUIRE)
        #define cyrelu_store_int(number, value) __atomic_store_n(number, value, __ATOMIC_RELEASE)
        #define cyrelu_add_int(number, value) __atomic_fetch_add(number, value, __ATOMIC_ACQ_REL)
        #define cyrelu_exchange_int(number, value) __atomic_exchange_n( \
            number, value, __ATOMIC_ACQ_REL)
        static inline int cyrelu_swap_int(int* number, int expected, int value) {
            return __atomic_compare_exchange_n(
                number, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        }
        #define cyrelu_exchange_pointer(pointer, value) __atomic_exchange_n( \
            pointer, (void*) (value), __ATOMIC_ACQ_REL)
        #if defined(__x86_64__) || defined(__i386__)
            #define cyrelu_spin_wait() __builtin_ia32_pause()
        #elif defined(__aarch64__)
            #define cyrelu_spin_wait() __asm__ volatile("yield")
        #else
            #define cyrelu_spin_wait() ((void) 0)
        #endif
    #elif defined(_MSC_VER)
        #include <intrin.h>
        #define cyrelu_load_double(number) (*(const volatile double*) (number))
        #define cyrelu_store_double(number, value) (*(volatile double*) (number) = (value))
        #define cyrelu_load_int(number) ((int) _InterlockedOr((volatile long*) (number), 0))
        #define cyrelu_store_int(number, value) \
            ((void) _InterlockedExchange((volatile long*) (number), value))
        #define cyrelu_add_int(number, value) \
            ((int) _InterlockedExchangeAdd((volatile long*) (number), value))
        #define cyrelu_exchange_int(number, value) \
            ((int) _InterlockedExchange((volatile long*) (number), value))
        #define cyrelu_swap_int(number, expected, value) \
            (_InterlockedCompareExchange((volatile long*) (number), value, expected) == (expected))
        #define cyrelu_exchange_pointer(pointer, value) _InterlockedExchangePointer( \
            (void* volatile*) (pointer), (void*) (value))
        #if defined(_M_X64) || defined(_M_IX86)
            #define cyrelu_spin_wait() _mm_pause()
        #else
            #define cyrelu_spin_wait() __yield()
        #endif
    #else
        #error "cyrelu: this compiler's atomic operations are not known; see atomics.pxd"
    #endif
    """
    double load_double "cyrelu_load_double"(const double* number) noexcept nogil
    void store_double "cyrelu_store_double"(double* number, double value) noexcept nogil
    int load_int "cyrelu_load_int"(int* number) noexcept nogil
    void store_int "cyrelu_store_int"(int* number, int value) noexcept nogil
    # What it was before.
    int add_int "cyrelu_add_int"(int* number, int value) noexcept nogil
    int exchange_int "cyrelu_exchange_int"(int* number, int value) noexcept nogil
    void* exchange_pointer "cyrelu_exchange_pointer"(void** pointer, void* value) noexcept nogil
    # Compare and exchange: whether the number was as expected.
    bint swap_int "cyrelu_swap_int"(int* number, int expected, int value) noexcept nogil
    # Tells the processor that this loop waits for another thread.
    void spin_wait "cyrelu_spin_wait"() noexcept nogil
