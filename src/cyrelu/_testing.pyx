# What only tests and benchmarks may change or look at. Users have environment variables instead.
# The defaults restore what was in effect when this module was imported.

from cpython.pythread cimport (
    WAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)

from cyrelu._dispatch cimport dispatch, team, threads
from cyrelu._loops.operations cimport (
    FIRST_FACTOR,
    OPERATION_COUNT,
    OUT,
    Operation,
    operand_name,
    operation_name,
    takes,
)
from cyrelu._numpy cimport buffer_cache, limit_blocks
from cyrelu._platform.atomics cimport load_double, load_int, store_double
from cyrelu._platform.float_control cimport FloatControl, take_over_float_control
from cyrelu._platform.openmp cimport omp_get_wtime

from cyrelu._dispatch import loop_modules
from cyrelu._numpy.buffer_cache import get_max_cached_bytes

cdef extern from "pythread.h" nogil:
    int PyThread_acquire_lock_timed(PyThread_type_lock, long long microseconds, int)


def operations():
    """The names of the arrays and of the factors of each operation, by its name."""
    return {
        operation_name(operation).decode(): (
            operands_among(range(FIRST_FACTOR), operation),
            operands_among(range(FIRST_FACTOR, OUT), operation),
        )
        for operation in range(OPERATION_COUNT)
    }


cdef tuple operands_among(object numbers, Operation operation):
    return tuple([operand_name(k).decode() for k in numbers if takes(operation, k)])


# ---- the dispatcher

def set_instruction_set(str name):
    """Use the loops of an instruction set from now on."""
    if name not in loop_modules.available():
        raise ValueError(f"set_instruction_set: name is {name!r}, which this machine cannot run")
    dispatch.use_instruction_set(name)


def set_stream_threshold(Py_ssize_t size=dispatch.stream_threshold_bytes):
    """Set the size in bytes from which on outputs are streamed."""
    dispatch.stream_threshold_bytes = size


def set_stall_policy(
    double grace=dispatch.stall_grace,
    double rate=dispatch.stall_rate,
    double pause=dispatch.stall_pause,
):
    """Set what counts as a stall and how long calls then go without a team; end a pause.

    pause=0 keeps the team whatever the machine is doing.
    """
    dispatch.stall_grace, dispatch.stall_rate, dispatch.stall_pause = grace, rate, pause
    store_double(&dispatch.paused_until, 0)


def is_paused():
    """Whether calls go without a team just now."""
    return omp_get_wtime() < load_double(&dispatch.paused_until)


def take_team():
    """Take the team of threads, as another call would; whether it was free."""
    return team.take_team()


def give_back_team():
    team.give_back_team()


cdef struct Wait:
    PyThread_type_lock lock
    Py_ssize_t microseconds


def wait_in_a_chunk(double seconds):
    """Run a call of two chunks: one thread waits in the first, the second does nothing."""
    cdef Wait wait = Wait(PyThread_allocate_lock(), <Py_ssize_t> (seconds * 1e6))
    PyThread_acquire_lock(wait.lock, WAIT_LOCK)
    with nogil:
        team.run_chunks(wait_in_first, &wait, 2, 1)
    PyThread_release_lock(wait.lock)
    PyThread_free_lock(wait.lock)


cdef void wait_in_first(const void* argument, Py_ssize_t k) noexcept nogil:
    cdef const Wait* wait = <const Wait*> argument
    if k == 0:
        PyThread_acquire_lock_timed(wait.lock, wait.microseconds, 0)


def limit_of_thread():
    """The limit that code without the GIL sees on this thread."""
    return threads.thread_limit(threads.BLOCK_OF_THREAD)


def entered_blocks():
    """How many num_threads blocks have been entered and not left, in the process."""
    return load_int(&limit_blocks.entered_blocks)


def exchange_float_control(FloatControl control):
    """Set the calling thread's rounding mode and flush-to-zero; returns what they were.

    The bits are those of the processor's register (MXCSR, FPCR), without the exceptions.
    """
    return take_over_float_control(control)


# ---- the buffer cache

def set_max_cached_bytes(size_t size=buffer_cache.max_cached_bytes):
    """Set the size of the largest buffer that is cached, and free the one that is."""
    buffer_cache.max_cached_bytes = 0 if get_max_cached_bytes() is None else size
    buffer_cache.empty_cache()
