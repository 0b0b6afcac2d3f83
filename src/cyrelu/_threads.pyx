# How many threads a call may use: the limit in force, read at every call.

import operator

from cyrelu._openmp cimport (
    CYRELU_OPENMP_VERSION,
    can_dismiss_teams,
    dismiss_team,
    omp_get_max_threads,
    omp_get_num_procs,
    omp_in_parallel,
    openmp_path,
)
from cyrelu._shared cimport add_int, load_int, store_int, swap_int

from cyrelu import _settings
from cyrelu._cpu_quota import cpu_quota

cdef extern from "Python.h":
    ctypedef struct Py_tss_t:
        pass
    Py_tss_t* PyThread_tss_alloc()
    int PyThread_tss_create(Py_tss_t* key)
    int PyThread_tss_set(Py_tss_t* key, void* value)
    void* PyThread_tss_get(Py_tss_t* key) noexcept nogil

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
        #include <pthread.h>
        #define cyrelu_at_fork(before, after_in_child) pthread_atfork(before, NULL, after_in_child)
        static __thread int cyrelu_team_is_dismissed;
    #else
        #define cyrelu_at_fork(before, after_in_child) 0
        static int cyrelu_team_is_dismissed;
    #endif
    """
    int at_fork "cyrelu_at_fork"(
        void (*before)() noexcept nogil, void (*after_in_child)() noexcept nogil
    )
    bint team_is_dismissed "cyrelu_team_is_dismissed"  # of the thread that is forking

cdef enum:
    UNSET = 0

cdef int MAX_THREADS = _settings.MAX_THREADS
cdef int process_limit = UNSET  # set_num_threads, at first CYRELU_NUM_THREADS
cdef Py_tss_t* block_limit = PyThread_tss_alloc()  # num_threads blocks: a number per thread
cdef int quota = UNSET
cdef int processors = 1  # that this process may keep busy
cdef int busy = 0  # threads in teams at work
cdef bint team_is_lost = False


cdef int thread_limit() noexcept nogil:
    # Inside a parallel region of the caller's own, its threads do the work.
    if team_is_lost or omp_in_parallel():
        return 1
    cdef int limit = <int> <Py_ssize_t> PyThread_tss_get(block_limit)
    if limit == UNSET:
        limit = load_int(&process_limit)
    if limit == UNSET:
        limit = min(omp_get_max_threads(), MAX_THREADS)
        if quota != UNSET:
            limit = min(limit, quota)
    return limit


cdef bint take_processors(int threads) noexcept nogil:
    """Whether a team may start: alone, or where the others leave it enough processors.

    Where several threads call at once (joblib's and dask's do), each with a team of its own, they
    would be in each other's way. A team taken is to be given back.
    """
    cdef int others = load_int(&busy)
    while others == 0 or others + threads <= processors:
        if swap_int(&busy, &others, others + threads):
            return True
    return False


cdef void give_back_processors(int threads) noexcept nogil:
    add_int(&busy, -threads)


# A forked child has the OpenMP runtime's memory but not its threads: the runtime would wait for
# them for ever. GNU's can end the team of the forking thread first; both processes then build
# new ones when they need them. Others cannot, and the child goes on with one thread.
cdef void before_fork() noexcept nogil:
    global team_is_dismissed
    team_is_dismissed = not team_is_lost and dismiss_team()


cdef void after_fork_in_child() noexcept nogil:
    global team_is_lost, busy
    team_is_lost = not team_is_dismissed
    busy = 0  # teams of other threads have not come along


def get_num_threads():
    """Return the number of threads that a call may use now, from this thread.

    Returns
    -------
    int
        The first of these that applies: 1 in a forked child process whose OpenMP runtime does
        not survive that (all but GNU's); the innermost
        `num_threads` block of this thread; the last `set_num_threads`; the environment variable
        ``CYRELU_NUM_THREADS`` as it was at import; the smaller of OpenMP's limit
        (``OMP_NUM_THREADS``, CPU affinity, ``threadpoolctl``) and the CPU quota of the control
        group (containers), rounded up.

    See Also
    --------
    set_num_threads, num_threads

    Examples
    --------
    >>> import cyrelu
    >>> with cyrelu.num_threads(1):
    ...     cyrelu.get_num_threads()
    1
    """
    return thread_limit()


def set_num_threads(n):
    """Set how many threads calls may use, for the whole process.

    Small arrays are worked on by one thread whatever the limit. Results never depend on it.

    Parameters
    ----------
    n : int
        The limit, from 1 to 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    num_threads : The same for one block of code and one thread.

    Examples
    --------
    >>> import cyrelu
    >>> cyrelu.set_num_threads(2)
    >>> cyrelu.get_num_threads()
    2
    """
    store_int(&process_limit, checked("set_num_threads", n))


class num_threads:
    """Limit the threads that calls may use, inside a ``with`` block.

    The limit holds for the Python thread that runs the block and goes before `set_num_threads`;
    other threads are not touched. Blocks nest; the same object may be entered again.

    Parameters
    ----------
    n : int
        The limit, from 1 to 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    set_num_threads : The same for the whole process.

    Examples
    --------
    >>> import cyrelu
    >>> with cyrelu.num_threads(1):
    ...     y = cyrelu.relu([-1.0, 2.0])
    >>> y
    array([0., 2.])
    """

    def __init__(self, n):
        self._limit = checked("num_threads", n)
        self._outer = []

    def __enter__(self):
        self._outer.append(<Py_ssize_t> PyThread_tss_get(block_limit))
        set_block_limit(self._limit)
        return self

    def __exit__(self, *exception):
        set_block_limit(self._outer.pop())


cdef int set_block_limit(Py_ssize_t limit) except -1:
    if PyThread_tss_set(block_limit, <void*> limit) != 0:
        raise MemoryError("num_threads: no thread-specific storage left")
    return 0


cdef int checked(str function, object n) except -1:
    """n as a thread count, or the error that tells what was wrong with it."""
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(
            f"{function}: n is {n!r} of type {type(n).__name__}; expected an integer"
        ) from None
    if not 1 <= count <= MAX_THREADS:
        raise ValueError(f"{function}: n is {count}; expected 1 to {MAX_THREADS}")
    return count


OPENMP_VERSIONS = {
    200203: "2.0", 200505: "2.5", 200805: "3.0", 201107: "3.1", 201307: "4.0", 201511: "4.5",
    201811: "5.0", 202011: "5.1", 202111: "5.2", 202411: "6.0",
}


def openmp_info():
    """The specification that the compiler follows and the runtime library, for show_config."""
    if not CYRELU_OPENMP_VERSION:
        return {"specification": None, "version": None, "runtime": None}
    cdef char[4096] path
    return {
        "specification": CYRELU_OPENMP_VERSION,
        "version": OPENMP_VERSIONS.get(CYRELU_OPENMP_VERSION),
        "runtime": path.decode(errors="replace") if openmp_path(path, sizeof(path)) else None,
    }


def limits():
    """The limit in force and everything it may come from, for show_config."""
    return {
        "limit": thread_limit(),
        "survive a fork": can_dismiss_teams(),
        "lost in a fork": team_is_lost,
        "num_threads block": <Py_ssize_t> PyThread_tss_get(block_limit) or None,
        "set_num_threads or CYRELU_NUM_THREADS": load_int(&process_limit) or None,
        "OpenMP": omp_get_max_threads(),
        "cgroup CPU quota": quota or None,
    }


def occupy_processors(int threads):
    """Count these threads as a team at work, return how many were before. For tests.

    A negative number ends that.
    """
    return add_int(&busy, threads)


_settings.allow_other_openmp_runtimes()
if block_limit == NULL or PyThread_tss_create(block_limit) != 0:
    raise MemoryError("cyrelu: no thread-specific storage left")
quota = cpu_quota() or UNSET
process_limit = _settings.num_threads() or UNSET
processors = min(omp_get_num_procs(), quota or MAX_THREADS)
if at_fork(before_fork, after_fork_in_child) != 0:
    raise MemoryError("cyrelu: pthread_atfork has no memory left")
