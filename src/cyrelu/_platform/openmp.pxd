# The only file that declares functions of OpenMP. Without it the same calls compile to one thread.

cdef extern from *:
    """
    #ifdef _OPENMP
        #include <omp.h>
        #define CYRELU_OPENMP_VERSION _OPENMP
    #else
        #define CYRELU_OPENMP_VERSION 0
        #define omp_get_max_threads() 1
        #define omp_get_num_procs() 1
        #define omp_in_parallel() 0
        #define omp_get_wtime() 0.0
    #endif

    #if defined(_OPENMP) && defined(__ELF__)
        /* Functions of the runtime that is loaded, NULL where it lacks them: one of OpenMP 5.0,
           and one that LLVM's and Intel's runtimes have and GNU's has not. */
        extern int cyrelu_pause_all(int) __asm__("omp_pause_resource_all") __attribute__((weak));
        extern int cyrelu_kmp_marker(void) __asm__("kmp_get_blocktime") __attribute__((weak));

        /* Only GNU's runtime is asked to end its teams: others may crash. */
        static int cyrelu_can_release_teams(void) {
            return cyrelu_pause_all != NULL && cyrelu_kmp_marker == NULL;
        }

        /* Ends the calling thread's team; returns whether a fork is safe now. */
        static int cyrelu_release_team(void) {
            enum { HARD = 2 };
            return cyrelu_can_release_teams() && cyrelu_pause_all(HARD) == 0;
        }
    #else
        #define cyrelu_can_release_teams() 0
        #define cyrelu_release_team() 0
    #endif

    /* The path of the runtime's library: the wheel's or the system's. */
    #if !defined(_OPENMP)
        #define cyrelu_openmp_path(path, size) 0
    #elif defined(_WIN32)
        #include <windows.h>
        static inline int cyrelu_openmp_path(char* path, int size) {
            HMODULE library;
            DWORD length = 0;
            if (GetModuleHandleExA(
                    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS
                        | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                    (LPCSTR) (void*) omp_get_max_threads, &library)) {
                length = GetModuleFileNameA(library, path, (DWORD) size);
            }
            return length > 0 && length < (DWORD) size;
        }
    #else
        #include <dlfcn.h>
        #include <string.h>
        static inline int cyrelu_openmp_path(char* path, int size) {
            Dl_info found;
            if (!dladdr((void*) omp_get_max_threads, &found) || found.dli_fname == NULL) {
                return 0;
            }
            if (strlen(found.dli_fname) >= (size_t) size) {
                return 0;
            }
            strcpy(path, found.dli_fname);
            return 1;
        }
    #endif
    """
    int CYRELU_OPENMP_VERSION  # the yyyymm of the specification, 0 without OpenMP
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_procs() noexcept nogil
    int omp_in_parallel() noexcept nogil
    double omp_get_wtime() noexcept nogil
    bint can_release_teams "cyrelu_can_release_teams"() noexcept nogil
    bint openmp_path "cyrelu_openmp_path"(char* path, int size)  # whether it is known
    bint release_team "cyrelu_release_team"() noexcept nogil
