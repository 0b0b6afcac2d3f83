# The only file with OpenMP's directives and functions. Without OpenMP the same calls compile to one
# thread.

cdef extern from *:
    """
    #ifdef _OPENMP
        #include <omp.h>
        #define CYRELU_OPENMP_VERSION _OPENMP
        #define CYRELU_OMP(directive) CYRELU_PRAGMA(omp directive)
        #ifdef _MSC_VER
            #define CYRELU_PRAGMA(text) __pragma(text)
        #else
            #define CYRELU_PRAGMA(text) _Pragma(#text)
        #endif
        #if _OPENMP >= 201307
            #define cyrelu_binds_threads() (omp_get_proc_bind() != omp_proc_bind_false)
        #else
            #define cyrelu_binds_threads() 0
        #endif
    #else
        #define CYRELU_OPENMP_VERSION 0
        #define CYRELU_OMP(directive)
        #define omp_get_max_threads() 1
        #define omp_get_num_procs() 1
        #define omp_get_thread_num() 0
        #define omp_in_parallel() 0
        #define omp_get_wtime() 0.0
        #define cyrelu_binds_threads() 0
    #endif

    /* A parallel region in C: Cython's prange would guess in it whether the thread holds the GIL,
       wrongly once a subinterpreter exists. */
    static void cyrelu_run_parallel_region(int threads, void (*member)(int)) {
        (void) threads;
        CYRELU_OMP(parallel num_threads(threads))
        {
            member(omp_get_thread_num());
        }
    }

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
    int omp_in_parallel() noexcept nogil
    double omp_get_wtime() noexcept nogil
    bint binds_threads "cyrelu_binds_threads"() noexcept nogil  # OMP_PROC_BIND
    bint openmp_path "cyrelu_openmp_path"(char* path, int size)  # whether it is known
    # Calls member(0), ..., member(threads - 1), each on a thread of its own; OpenMP may have fewer.
    void run_parallel_region "cyrelu_run_parallel_region"(
        int threads, void (*member)(int) noexcept nogil
    ) noexcept nogil
