# Forks, limits of threads, processors and affinity, where the system has them.

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
        #ifndef _GNU_SOURCE
            #define _GNU_SOURCE
        #endif
        #include <pthread.h>
        #include <sched.h>
        #include <stdlib.h>
        #define cyrelu_call_in_forked_child(function) pthread_atfork(NULL, NULL, function)
        #ifdef __linux__
            #include <sys/syscall.h>
            #include <unistd.h>
        #endif

        typedef struct {
            pthread_t thread;
            long id;
            pthread_mutex_t* gate;
        } cyrelu_trial;

        static inline void* cyrelu_try(void* argument) {
            cyrelu_trial* trial = (cyrelu_trial*) argument;
        #ifdef __linux__
            trial->id = syscall(SYS_gettid);
        #endif
            pthread_mutex_lock(trial->gate);
            pthread_mutex_unlock(trial->gate);
            return NULL;
        }

        /* Whether so many threads can be started: all at once, each with a stack of this size (0:
           the system's). They have ended when this returns. */
        static inline int cyrelu_can_start_threads(int count, size_t stack_bytes) {
            cyrelu_trial* trials = (cyrelu_trial*) calloc((size_t) count, sizeof(cyrelu_trial));
            pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
            pthread_attr_t attributes;
            int started = 0;
            if (trials == NULL) {
                return 0;
            }
            if (pthread_attr_init(&attributes) != 0) {
                free(trials);
                return 0;
            }
            if (stack_bytes > 0) {
                (void) pthread_attr_setstacksize(&attributes, stack_bytes);
            }
            pthread_mutex_lock(&gate);
            while (started < count) {
                cyrelu_trial* trial = &trials[started];
                trial->gate = &gate;
                if (pthread_create(&trial->thread, &attributes, cyrelu_try, trial) != 0) {
                    break;
                }
                ++started;
            }
            pthread_mutex_unlock(&gate);
            for (int i = 0; i < started; ++i) {
                pthread_join(trials[i].thread, NULL);
        #ifdef __linux__
                /* Joined is not yet gone: the kernel counts it for a moment longer. */
                while (syscall(SYS_tgkill, (long) getpid(), trials[i].id, 0L) == 0) {
                    sched_yield();
                }
        #endif
            }
            pthread_attr_destroy(&attributes);
            free(trials);
            return started == count;
        }
    #else
        #define cyrelu_call_in_forked_child(function) 0
        #define cyrelu_can_start_threads(count, stack_bytes) 1
    #endif

    #ifdef __linux__
        #define cyrelu_current_processor() sched_getcpu()
        typedef cpu_set_t cyrelu_affinity;
        static inline void cyrelu_read_affinity(cpu_set_t* affinity) {
            if (sched_getaffinity(0, sizeof(*affinity), affinity) != 0) {
                CPU_ZERO(affinity);  /* more processors than the set has bits */
            }
        }
        static inline void cyrelu_take_over_affinity(const cpu_set_t* others) {
            cpu_set_t own;
            cyrelu_read_affinity(&own);
            if (!CPU_EQUAL(&own, others) && CPU_COUNT(others) > 0) {
                (void) sched_setaffinity(0, sizeof(*others), others);
            }
        }
        static inline void cyrelu_avoid_processor(int processor, const cpu_set_t* affinity) {
            if (processor >= 0) {
                cpu_set_t others = *affinity;
                CPU_CLR(processor, &others);
                cyrelu_take_over_affinity(&others);
            }
        }
    #else
        #define cyrelu_current_processor() (-1)
        typedef char cyrelu_affinity;
        #define cyrelu_read_affinity(affinity) ((void) (affinity))
        #define cyrelu_take_over_affinity(others) ((void) (others))
        #define cyrelu_avoid_processor(processor, affinity) ((void) (processor), (void) (affinity))
    #endif
    """
    # 0 if that is arranged.
    int call_in_forked_child "cyrelu_call_in_forked_child"(void (*function)() noexcept nogil)
    bint can_start_threads "cyrelu_can_start_threads"(int count, size_t stack_bytes) noexcept nogil
    # The one that the calling thread is on; -1 where that is not known.
    int current_processor "cyrelu_current_processor"() noexcept nogil
    ctypedef struct Affinity "cyrelu_affinity":
        pass
    void read_affinity "cyrelu_read_affinity"(Affinity* affinity) noexcept nogil
    # Gives the calling thread another one's affinity, unless it has that already.
    void take_over_affinity "cyrelu_take_over_affinity"(const Affinity* others) noexcept nogil
    # Gives the calling thread this affinity without one processor, if that leaves any.
    void avoid_processor "cyrelu_avoid_processor"(
        int processor, const Affinity* affinity
    ) noexcept nogil
