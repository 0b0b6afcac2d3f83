# How many threads a call may use: the limit in force, read at every call.

from cyrelu._dispatch.team cimport helper_threads
from cyrelu._platform.atomics cimport load_int, store_int
from cyrelu._platform.openmp cimport (
    CYRELU_OPENMP_VERSION,
    omp_get_max_threads,
    omp_in_parallel,
    openmp_path,
)

from cyrelu._platform import settings
from cyrelu._platform.cgroups import cpu_quota

cdef extern from "Python.h":
    ctypedef struct Py_tss_t:
        pass
    Py_tss_t* PyThread_tss_alloc()
    int PyThread_tss_create(Py_tss_t* key)
    int PyThread_tss_set(Py_tss_t* key, void* value)
    void* PyThread_tss_get(Py_tss_t* key) noexcept nogil

cdef enum:
    UNSET = 0

cdef int MAX_THREADS = settings.MAX_THREADS
cdef int process_limit = UNSET  # set_num_threads, at first CYRELU_NUM_THREADS
cdef Py_tss_t* thread_local_limit = PyThread_tss_alloc()  # num_threads blocks
cdef int quota = UNSET


cdef int thread_limit() noexcept nogil:
    # Inside a parallel region of the caller's own, its threads do the work.
    if omp_in_parallel():
        return 1
    cdef int limit = <int> <Py_ssize_t> PyThread_tss_get(thread_local_limit)
    if limit == UNSET:
        limit = load_int(&process_limit)
    if limit == UNSET:
        limit = min(omp_get_max_threads(), MAX_THREADS)
        if quota != UNSET:
            limit = min(limit, quota)
    return limit


# ---- for config.py, which checks the numbers

def get_thread_limit():
    return thread_limit()


def set_process_limit(int n):
    store_int(&process_limit, n)


def replace_thread_local_limit(Py_ssize_t n):
    """Set the limit of the calling thread (0: none), and return the one before."""
    before = <Py_ssize_t> PyThread_tss_get(thread_local_limit)
    if PyThread_tss_set(thread_local_limit, <void*> n) != 0:
        raise MemoryError("num_threads: no thread-specific storage left")
    return before


OPENMP_VERSIONS = {
    200203: "2.0", 200505: "2.5", 200805: "3.0", 201107: "3.1", 201307: "4.0", 201511: "4.5",
    201811: "5.0", 202011: "5.1", 202111: "5.2", 202411: "6.0",
}


def openmp_info():
    """The specification that the compiler follows, and the runtime library."""
    if not CYRELU_OPENMP_VERSION:
        return {"specification": None, "version": None, "runtime": None}
    cdef char[4096] path
    return {
        "specification": CYRELU_OPENMP_VERSION,
        "version": OPENMP_VERSIONS.get(CYRELU_OPENMP_VERSION),
        "runtime": path.decode(errors="replace") if openmp_path(path, sizeof(path)) else None,
    }


def limits():
    """The limit in force and everything that it may come from."""
    return {
        "limit": thread_limit(),
        "thread_local_limit": <Py_ssize_t> PyThread_tss_get(thread_local_limit) or None,
        "process_limit": load_int(&process_limit) or None,
        "openmp_max_threads": omp_get_max_threads(),
        "cgroup_cpu_quota": quota or None,
        "helper_threads": helper_threads(),
    }


settings.allow_other_openmp_runtimes()
if thread_local_limit == NULL or PyThread_tss_create(thread_local_limit) != 0:
    raise MemoryError("cyrelu: no thread-specific storage left")
quota = cpu_quota() or UNSET
process_limit = settings.num_threads() or UNSET
