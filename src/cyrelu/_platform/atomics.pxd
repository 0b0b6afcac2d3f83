# Atomic operations: relaxed on numbers, an acquire-release exchange on pointers.

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
        #define cyrelu_load_int(number) __atomic_load_n(number, __ATOMIC_RELAXED)
        #define cyrelu_store_int(number, value) __atomic_store_n(number, value, __ATOMIC_RELAXED)
        #define cyrelu_add_int(number, value) __atomic_fetch_add(number, value, __ATOMIC_RELAXED)
        #define cyrelu_swap_int(number, expected, value) __atomic_compare_exchange_n( \
            number, expected, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
        #define cyrelu_exchange_pointer(pointer, value) __atomic_exchange_n( \
            pointer, (void*) (value), __ATOMIC_ACQ_REL)
    #elif defined(_MSC_VER)
        #include <intrin.h>
        #define cyrelu_load_double(number) (*(const volatile double*) (number))
        #define cyrelu_store_double(number, value) (*(volatile double*) (number) = (value))
        #define cyrelu_load_int(number) (*(const volatile int*) (number))
        #define cyrelu_store_int(number, value) (*(volatile int*) (number) = (value))
        #define cyrelu_add_int(number, value) \
            ((int) _InterlockedExchangeAdd((volatile long*) (number), value))
        static int cyrelu_swap_int(int* number, int* expected, int value) {
            int before = (int) _InterlockedCompareExchange(
                (volatile long*) number, value, *expected);
            int swapped = before == *expected;
            *expected = before;
            return swapped;
        }
        #define cyrelu_exchange_pointer(pointer, value) _InterlockedExchangePointer( \
            (void* volatile*) (pointer), (void*) (value))
    #else
        #error "cyrelu: this compiler's atomic operations are not known; see atomics.pxd"
    #endif
    """
    double load_double "cyrelu_load_double"(const double* number) noexcept nogil
    void store_double "cyrelu_store_double"(double* number, double value) noexcept nogil
    int load_int "cyrelu_load_int"(const int* number) noexcept nogil
    void store_int "cyrelu_store_int"(int* number, int value) noexcept nogil
    int add_int "cyrelu_add_int"(int* number, int value) noexcept nogil  # what it was before
    # Compare and exchange: whether the number was as expected; else expected is what it was.
    bint swap_int "cyrelu_swap_int"(int* number, int* expected, int value) noexcept nogil
    # What it was before; whoever gets the pointer sees what was written through it.
    void* exchange_pointer "cyrelu_exchange_pointer"(void** pointer, void* value) noexcept nogil
