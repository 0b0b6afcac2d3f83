/* Another library that uses OpenMP: its threads hold data of their own (threadprivate). */

#include <omp.h>

static int number;
#pragma omp threadprivate(number)

/* Writes to each thread; returns how many there are. */
int neighbour_write(int threads) {
    int members = 0;
#pragma omp parallel num_threads(threads) reduction(+ : members)
    {
        number = 100 + omp_get_thread_num();
        members += 1;
    }
    return members;
}

/* Returns how many threads still have what was written. */
int neighbour_read(int threads) {
    int kept = 0;
#pragma omp parallel num_threads(threads) reduction(+ : kept)
    kept += number == 100 + omp_get_thread_num();
    return kept;
}
