# How many threads a call may use: the limit in force, read at every call.

import operator
import os

from cyrelu._openmp cimport CYRELU_OPENMP_VERSION, omp_get_max_threads, omp_in_parallel

from cyrelu import _settings
from cyrelu._cpu_quota import cpu_quota

cdef extern from "Python.h":
    ctypedef struct Py_tss_t:
        pass
    Py_tss_t* PyThread_tss_alloc()
    int PyThread_tss_create(Py_tss_t* key)
    int PyThread_tss_set(Py_tss_t* key, void* value)
    void* PyThread_tss_get(Py_tss_t* key) noexcept nogil

cdef enum:
    UNSET = 0

cdef int MAX_THREADS = _settings.MAX_THREADS
cdef int process_limit = UNSET  # set_num_threads, at first CYRELU_NUM_THREADS
cdef Py_tss_t* block_limit = PyThread_tss_alloc()  # num_threads blocks: a number per thread
cdef int quota = UNSET
cdef bint forked = False


cdef int thread_limit() noexcept nogil:
    # A forked child has the OpenMP runtime's memory but not its threads: libgomp would wait for
    # them for ever. Inside a parallel region of the caller's own, its threads do the work.
    if forked or omp_in_parallel():
        return 1
    cdef int limit = <int> <Py_ssize_t> PyThread_tss_get(block_limit)
    if limit == UNSET:
        limit = process_limit
    if limit == UNSET:
        limit = min(omp_get_max_threads(), MAX_THREADS)
        if quota != UNSET:
            limit = min(limit, quota)
    return limit


def get_num_threads():
    """Return the number of threads that a call may use now, from this thread.

    Returns
    -------
    int
        The first of these that applies: 1 in a forked child process; the innermost
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
    global process_limit
    process_limit = checked("set_num_threads", n)


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


def openmp_version():
    """The specification that this build follows, as yyyymm; None when built without OpenMP."""
    return CYRELU_OPENMP_VERSION or None


def limits():
    """The limit in force and everything it may come from, for show_config."""
    return {
        "limit": thread_limit(),
        "in a forked child": forked,
        "num_threads block": <Py_ssize_t> PyThread_tss_get(block_limit) or None,
        "set_num_threads or CYRELU_NUM_THREADS": process_limit or None,
        "OpenMP": omp_get_max_threads(),
        "cgroup CPU quota": quota or None,
    }


def _after_fork_in_child():
    global forked
    forked = True


if block_limit == NULL or PyThread_tss_create(block_limit) != 0:
    raise MemoryError("cyrelu: no thread-specific storage left")
quota = cpu_quota() or UNSET
process_limit = _settings.num_threads() or UNSET
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
