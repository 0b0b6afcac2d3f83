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
cdef int process_limit = UNSET  # set_num_threads
cdef int environment_limit = UNSET  # CYRELU_NUM_THREADS
cdef int quota = UNSET


cdef int thread_limit(int block_limit) noexcept nogil:
    # Inside a parallel region of the caller's own, its threads do the work.
    if omp_in_parallel():
        return 1
    cdef int limit = limit_of_thread() if block_limit == BLOCK_OF_THREAD else block_limit
    if limit == NO_BLOCK:
        limit = load_int(&process_limit)
    if limit == UNSET:
        limit = environment_limit
    if limit == UNSET:
        limit = min(omp_get_max_threads(), MAX_THREADS)
        if quota != UNSET:
            limit = min(limit, quota)
    return limit


# ---- what a thread has stored

cdef Py_tss_t* new_key() except NULL:
    cdef Py_tss_t* key = PyThread_tss_alloc()
    if key == NULL or PyThread_tss_create(key) != 0:
        raise MemoryError("cyrelu: no thread-specific storage left")
    return key


cdef Py_tss_t* stored_key = new_key()
cdef Py_tss_t* override_key = new_key()


cdef int limit_of_thread() noexcept nogil:
    cdef Py_ssize_t override = override_of_thread()
    cdef int* stored = stored_limit()
    if override != 0:
        return <int> (override - OVERRIDDEN)
    return load_int(stored) if stored != NULL else NO_BLOCK


cdef int* stored_limit() noexcept nogil:
    return <int*> PyThread_tss_get(stored_key)


cdef int set_stored_limit(int* limit) except -1:
    return set_storage(stored_key, limit)


cdef Py_ssize_t override_of_thread() noexcept nogil:
    return <Py_ssize_t> PyThread_tss_get(override_key)


cdef int set_override_of_thread(Py_ssize_t override) except -1:
    return set_storage(override_key, <void*> override)


cdef int set_storage(Py_tss_t* key, void* value) except -1:
    if PyThread_tss_set(key, value) != 0:
        raise MemoryError("num_threads: no thread-specific storage left")
    return 0


# ---- for config.py, which checks the numbers

def get_thread_limit(int block_limit):
    return thread_limit(block_limit)


def set_process_limit(int n):
    """0: there is none."""
    store_int(&process_limit, n)


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


def limits(int block_limit):
    """The limit in force and everything that it may come from."""
    return {
        "limit": thread_limit(block_limit),
        "block_limit": block_limit or None,
        "process_limit": load_int(&process_limit) or None,
        "environment_limit": environment_limit or None,
        "openmp_max_threads": omp_get_max_threads(),
        "cgroup_cpu_quota": quota or None,
        "helper_threads": helper_threads(),
    }


settings.allow_other_openmp_runtimes()
quota = cpu_quota() or UNSET
environment_limit = settings.num_threads() or UNSET
