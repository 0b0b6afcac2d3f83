# The only file that names OpenMP. Without it the same calls compile to one thread.

cdef extern from *:
    """
    #ifdef _OPENMP
        #include <omp.h>
        #define CYRELU_OPENMP_VERSION _OPENMP
    #else
        #define CYRELU_OPENMP_VERSION 0
        #define omp_get_max_threads() 1
        #define omp_in_parallel() 0
        #define omp_get_wtime() 0.0
    #endif
    """
    int CYRELU_OPENMP_VERSION  # the yyyymm of the specification, 0 without OpenMP
    int omp_get_max_threads() noexcept nogil
    int omp_in_parallel() noexcept nogil
    double omp_get_wtime() noexcept nogil
