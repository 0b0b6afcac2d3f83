# Memory that the kernel may take back, and limits of address space, where the system has them.

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
        #include <sys/mman.h>
        #include <unistd.h>
    #endif
    #ifdef MADV_FREE
        #define CYRELU_CAN_OFFER 1
        /* Lets the kernel take the pages that lie within; whether it may. */
        static inline int cyrelu_offer(char* start, size_t size) {
            size_t page = (size_t) sysconf(_SC_PAGESIZE);
            size_t before = (page - (size_t) start % page) % page;
            return size > before
                && madvise(start + before, (size - before) / page * page, MADV_FREE) == 0;
        }
    #else
        #define CYRELU_CAN_OFFER 0
        #define cyrelu_offer(start, size) 0
    #endif
    """
    bint CAN_OFFER "CYRELU_CAN_OFFER"
    bint offer "cyrelu_offer"(char* start, size_t size) noexcept nogil

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
        #include <fcntl.h>
        #include <sys/resource.h>
        static inline int cyrelu_is_limited(int resource) {
            struct rlimit limit;
            return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
        }
        /* Whether unused address space counts: under a limit of it, or without overcommitment. */
        static inline int cyrelu_address_space_is_limited(void) {
        #ifdef RLIMIT_AS
            if (cyrelu_is_limited(RLIMIT_AS)) {
                return 1;
            }
        #endif
            if (cyrelu_is_limited(RLIMIT_DATA)) {
                return 1;
            }
        #ifdef __linux__
            char mode = '0';
            int file = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
            if (file >= 0) {
                if (read(file, &mode, 1) != 1) {
                    mode = '0';
                }
                close(file);
            }
            return mode == '2';
        #else
            return 0;
        #endif
        }
    #else
        #define cyrelu_address_space_is_limited() 0
    #endif
    """
    bint address_space_is_limited "cyrelu_address_space_is_limited"() noexcept nogil
