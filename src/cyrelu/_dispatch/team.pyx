# The process's one team of threads. Its primary thread is a thread of our own, which waits for
# calls and opens OpenMP's parallel region for them; the calling thread works along.
#
# Were the calling thread the primary one, OpenMP would keep idle threads for each thread that ever
# called; a fork would have to end its team, which GNU's runtime can do only by ending the teams of
# all other libraries, too; and the region would run where Python's state is not known. A forked
# child simply starts a primary thread of its own when it needs one.
#
# A call is divided into chunks. A thread takes the chunk of its number first, so that calls on the
# same arrays find them in the same core's cache, and then whatever is left: a thread that is late
# delays nobody, and nothing depends on how many there are.

from cpython.pythread cimport (
    WAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)
from libc.string cimport memset

from cyrelu._platform.atomics cimport (
    add_int,
    exchange_int,
    load_double,
    load_int,
    spin_wait,
    store_double,
    store_int,
    swap_int,
)
from cyrelu._platform.float_control cimport (
    FloatControl,
    read_float_control,
    take_over_float_control,
)
from cyrelu._platform.openmp cimport (
    CYRELU_OPENMP_VERSION,
    binds_threads,
    omp_get_wtime,
    run_parallel_region,
)
from cyrelu._platform.processes cimport (
    Affinity,
    avoid_processor,
    call_in_forked_child,
    can_start_threads,
    current_processor,
    read_affinity,
    take_over_affinity,
)

from cyrelu._platform import settings

cdef extern from "pythread.h" nogil:
    # Python's locks and threads are the system's; they need neither the GIL nor an interpreter.
    unsigned long INVALID_THREAD "((unsigned long) -1)"
    unsigned long PyThread_start_new_thread(void (*)(void*) noexcept nogil, void*)
    PyThread_type_lock PyThread_allocate_lock()

cdef enum:
    MAX_CHUNKS = 1024
    # How often a thread asks before it sleeps: for some 100 us, so that a sequence of calls finds
    # the team awake. OpenMP's own threads wait as OMP_WAIT_POLICY says.
    SPINS = 2000
    # How often a call asks for a team that is about to end another call.
    LEAVING_SPINS = 500
    # This is added to the number of pending chunks while the calling thread sleeps until none is
    # left; no job has as many chunks.
    SLEEPER = 1 << 16

cdef enum State:
    NOT_STARTED
    FREE
    TAKEN  # a calling thread writes its job down
    POSTED  # the job is for the primary thread to see
    AT_WORK
    # A bit that is added to any other state but POSTED. It means that the primary thread sleeps: it
    # waits for its lock, wake_primary. The primary thread goes to sleep also while a calling thread
    # is about to post a job. If it kept asking, and on that thread's processor, the calling thread
    # could not run meanwhile, and the call took 4 ms (benchmarks/NOTES.md).
    ASLEEP = 16

cdef struct Job:
    RunChunk run_chunk
    const void* call
    int chunks
    int threads  # of the parallel region
    bint bound  # OpenMP binds threads to processors, the primary one to that of the calling thread
    int processor  # of the calling thread; -1: not known
    FloatControl float_control
    Affinity affinity
    int pending  # chunks that are not done
    int users  # the calling and the primary thread; the last to leave makes room for the next job
    int[MAX_CHUNKS] is_taken

cdef int state = NOT_STARTED
cdef bint has_primary = False
cdef Job job
cdef PyThread_type_lock wake_primary = NULL
cdef PyThread_type_lock wake_caller = NULL
cdef int region_threads = 0  # of the last parallel region: OpenMP keeps them
cdef size_t stack_bytes = settings.openmp_stack_bytes()

# Where a limit is reached (processes, memory), OpenMP ends the process. So threads are started on
# trial first, and after a failure none is for a while.
cdef double FAILURE_PAUSE = 1  # seconds
cdef double failed_until = 0


cdef bint run_chunks(
    RunChunk run_chunk, const void* call, Py_ssize_t chunks, int helpers
) noexcept nogil:
    cdef Py_ssize_t k
    if CYRELU_OPENMP_VERSION == 0 or helpers < 1 or not take_team() or not is_started():
        for k in range(chunks):
            run_chunk(call, k)
        return False
    post(run_chunk, call, <int> chunks, helpers)
    run_remaining(0)
    # All chunks are begun. If the primary thread has not begun the job, this thread has done all of
    # them, and the job is withdrawn.
    if not swap_int(&state, POSTED, FREE):
        wait_for_helpers()
        leave_job()
    return True


cdef int helper_threads() noexcept nogil:
    return 0 if load_int(&state) == NOT_STARTED else load_int(&region_threads)


# ---- on the calling thread

cdef bint take_team() noexcept nogil:
    """Whether this call has the team; other calls at this time run on their own thread."""
    cdef int _spin, now, asleep
    for _spin in range(LEAVING_SPINS):
        now = load_int(&state)
        asleep = now & ASLEEP
        if now == NOT_STARTED and omp_get_wtime() < load_double(&failed_until):
            return False
        if now - asleep <= FREE:
            if swap_int(&state, now, TAKEN + asleep):
                return True
        elif now - asleep != AT_WORK or load_int(&job.pending) % SLEEPER > 0:
            return False
        spin_wait()
    return False


cdef void give_back_team() noexcept nogil:
    if has_primary:
        add_int(&state, FREE - TAKEN)
    else:
        store_int(&state, NOT_STARTED)


cdef bint is_started() noexcept nogil:
    """Whether the primary thread is there, started if need be; if not, gives the team back."""
    global has_primary, wake_primary, wake_caller
    if has_primary:
        return True
    if wake_primary == NULL:
        wake_primary = new_semaphore()
    if wake_caller == NULL:
        wake_caller = new_semaphore()
    store_int(&region_threads, 1)
    if (
        wake_primary == NULL
        or wake_caller == NULL
        or PyThread_start_new_thread(lead, NULL) == INVALID_THREAD
    ):
        store_double(&failed_until, omp_get_wtime() + FAILURE_PAUSE)
        give_back_team()
        return False
    has_primary = True
    return True


cdef PyThread_type_lock new_semaphore() noexcept nogil:
    """A lock that is locked: acquiring it waits for a release."""
    cdef PyThread_type_lock lock = PyThread_allocate_lock()
    if lock != NULL:
        PyThread_acquire_lock(lock, WAIT_LOCK)
    return lock


cdef void post(RunChunk run_chunk, const void* call, int chunks, int helpers) noexcept nogil:
    job.run_chunk, job.call, job.chunks = run_chunk, call, chunks
    job.bound = binds_threads()
    job.threads = helpers + job.bound
    job.processor = current_processor()
    job.float_control = read_float_control()
    read_affinity(&job.affinity)
    memset(job.is_taken, 0, chunks * sizeof(int))
    job.users = 2
    store_int(&job.pending, chunks)  # which calls that look for a free team read at any time
    if exchange_int(&state, POSTED) & ASLEEP:
        PyThread_release_lock(wake_primary)


cdef void wait_for_helpers() noexcept nogil:
    cdef int _spin
    for _spin in range(SPINS):
        if load_int(&job.pending) == 0:
            return
        spin_wait()
    if add_int(&job.pending, SLEEPER) != 0:
        PyThread_acquire_lock(wake_caller, WAIT_LOCK)


cdef void leave_job() noexcept nogil:
    if add_int(&job.users, -1) == 1:
        add_int(&state, FREE - AT_WORK)


# ---- on the threads of the team

cdef void lead(void* _) noexcept nogil:
    """What the primary thread does, for ever."""
    cdef int spin = 0
    cdef int now
    cdef int processor = -1  # of the last calling thread
    cdef Affinity affinity
    while True:
        now = load_int(&state)
        if now == POSTED:
            if swap_int(&state, POSTED, AT_WORK):
                processor, affinity = -1 if job.bound else job.processor, job.affinity
                run_job()
                # Asking, on the calling thread's processor, would keep that thread from going on.
                spin = SPINS if shares_processor() else 0
                leave_job()
        elif spin < SPINS:
            spin_wait()
            spin += 1
        elif swap_int(&state, now, now + ASLEEP):
            # Linux wakes a thread on the processor of the one that wakes it, even if others are
            # idle.
            avoid_processor(processor, &affinity)
            PyThread_acquire_lock(wake_primary, WAIT_LOCK)
            spin = 0


cdef bint shares_processor() noexcept nogil:
    """Whether the calling thread of the job was last seen on this thread's processor."""
    return job.processor >= 0 and job.processor == current_processor()


cdef void run_job() noexcept nogil:
    cdef int threads = job.threads
    cdef int more = threads - region_threads
    if more > 0:
        if omp_get_wtime() < load_double(&failed_until):
            threads = region_threads
        elif not can_start_threads(more, stack_bytes):
            threads = region_threads
            store_double(&failed_until, omp_get_wtime() + FAILURE_PAUSE)
    store_int(&region_threads, threads)
    run_parallel_region(threads, run_member)


cdef void run_member(int number) noexcept nogil:
    cdef FloatControl own = take_over_float_control(job.float_control)
    if not job.bound:
        if shares_processor():
            avoid_processor(job.processor, &job.affinity)
        take_over_affinity(&job.affinity)
        run_remaining(number + 1)
    elif number > 0 or load_int(&region_threads) == 1:
        run_remaining(number)
    take_over_float_control(own)


cdef void run_remaining(int first) noexcept nogil:
    """Run the chunks that no thread has taken, from this one on."""
    cdef int i, k
    for i in range(job.chunks):
        k = (first + i) % job.chunks
        if load_int(&job.is_taken[k]) == 0 and exchange_int(&job.is_taken[k], 1) == 0:
            job.run_chunk(job.call, k)
            if add_int(&job.pending, -1) == SLEEPER + 1:
                PyThread_release_lock(wake_caller)


# ---- forks

cdef void forget_team() noexcept nogil:
    """In a forked child, which has none of the team's threads."""
    global has_primary, wake_primary, wake_caller
    has_primary = False
    wake_primary = wake_caller = NULL  # they are in the state of the moment of the fork
    store_int(&state, NOT_STARTED)
    store_double(&failed_until, 0)


assert settings.MAX_THREADS <= MAX_CHUNKS
if call_in_forked_child(forget_team) != 0:
    raise MemoryError("cyrelu: pthread_atfork has no memory left")
