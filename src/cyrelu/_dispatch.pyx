# From a call to the loops: which instruction set, how many threads.
#
# Further instruction sets are chosen in load_loops, other kinds of loops (streaming stores) in
# run; nothing above this module knows of them.

import importlib

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange

from cyrelu._loops cimport MAX_OPERANDS, Kernel, Loop, Operation
from cyrelu._openmp cimport CYRELU_OPENMP_VERSION, omp_get_wtime
from cyrelu._threads cimport thread_limit

cdef extern from *:
    """
    #if defined(__clang__)
        #define CYRELU_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
        #define CYRELU_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
        #define CYRELU_TEXT_(x) #x
        #define CYRELU_TEXT(x) CYRELU_TEXT_(x)
        #define CYRELU_COMPILER "MSVC " CYRELU_TEXT(_MSC_FULL_VER)
    #else
        #define CYRELU_COMPILER "unknown"
    #endif
    #ifdef CYTHON_WITHOUT_ASSERTIONS
        #define CYRELU_DEBUG 0
    #else
        #define CYRELU_DEBUG 1
    #endif
    """
    const char* CYRELU_COMPILER
    int CYTHON_HEX_VERSION
    bint CYRELU_DEBUG

cdef enum:
    # Bytes that a call must move before it is split among threads, and the least for each of
    # them: a team costs some 3 us, in which one core moves 150 KiB (benchmarks/NOTES.md).
    PARALLEL_BYTES = 1 << 20
    CHUNK_BYTES = 1 << 18
    PAGE_BYTES = 4096

# Where other programs keep all processors busy, a team waits for its descheduled member, and
# libgomp's waiting is a busy loop: 11 ms for work of 0.3 ms (benchmarks/NOTES.md). A call slower
# than any single thread would be is such a stall; for a moment calls then go without a team.
cdef double stall_grace = 5e-4  # seconds
cdef double stall_rate = 2e9  # bytes per second
cdef double stall_pause = 0.25  # seconds
cdef double paused_until = 0

cdef const Kernel* table = NULL


cdef const Kernel* kernel(Operation operation) noexcept nogil:
    return &table[operation]


cdef tuple operand_names(Operation operation):
    cdef const Kernel* row = kernel(operation)
    taken = {
        "grad": row.takes_grad,
        "x": True,
        "negative_slope": row.takes_negative_slope,
        "at_zero": row.takes_at_zero,
    }
    return tuple([name for name in taken if taken[name]])


cdef void run(
    const Kernel* kernel, bint single, char** args, const Py_ssize_t* steps, Py_ssize_t n
) noexcept nogil:
    cdef Loop loop = kernel.f32 if single else kernel.f64
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef int operands = (
        2 + kernel.takes_grad + kernel.takes_negative_slope + kernel.takes_at_zero
    )
    assert n >= 0
    assert are_aligned(args, operands, item), "NumPy must hand over aligned operands"
    # The cheapest question first: could n elements be enough at all?
    if n * MAX_OPERANDS * item < PARALLEL_BYTES or not run_in_parallel(
        loop, args, steps, n, operands, item
    ):
        loop(args, steps, n)


cdef inline bint are_aligned(char** args, int operands, Py_ssize_t item) noexcept nogil:
    cdef int k
    for k in range(operands):
        if <size_t> args[k] % <size_t> item:
            return False
    return True


cdef bint run_in_parallel(
    Loop loop, char** args, const Py_ssize_t* steps, Py_ssize_t n, int operands, Py_ssize_t item
) noexcept nogil:
    """Run the loop on a team of threads; False, and nothing done, where one thread is better."""
    global paused_until
    cdef Py_ssize_t k, arrays = 0
    for k in range(operands):
        arrays += steps[k] != 0
    cdef Py_ssize_t traffic = n * arrays * item
    if traffic < PARALLEL_BYTES or not independent(args, steps, n, operands, item):
        return False
    cdef int threads = thread_limit()
    cdef Py_ssize_t chunks = min(<Py_ssize_t> threads, traffic // <Py_ssize_t> CHUNK_BYTES)
    cdef double start = omp_get_wtime()
    if chunks < 2 or start < paused_until:
        return False
    cdef Py_ssize_t page = PAGE_BYTES // item
    cdef Py_ssize_t length = ((n + chunks - 1) // chunks + page - 1) // page * page
    # The team is always as large as the limit: libgomp is slow when its size varies.
    for k in prange(chunks, num_threads=threads, schedule="static"):
        run_chunk(loop, args, steps, operands, k * length, min(n, (k + 1) * length))
    cdef double stop = omp_get_wtime()
    if stop - start > stall_grace + traffic / stall_rate:
        paused_until = stop + stall_pause
    return True


def set_stall_policy(double grace=stall_grace, double rate=stall_rate, double pause=stall_pause):
    """Set what counts as a stall and how long calls then go without a team; end a pause.

    For tests and benchmarks: pause=0 keeps the team whatever the machine is doing.
    """
    global stall_grace, stall_rate, stall_pause, paused_until
    stall_grace, stall_rate, stall_pause, paused_until = grace, rate, pause, 0


def paused():
    """Whether calls go without a team just now."""
    return omp_get_wtime() < paused_until


cdef void run_chunk(
    Loop loop,
    char** args,
    const Py_ssize_t* steps,
    int operands,
    Py_ssize_t start,
    Py_ssize_t stop,
) noexcept nogil:
    cdef char* chunk[MAX_OPERANDS]
    cdef int k
    if start < stop:
        for k in range(operands):
            chunk[k] = args[k] + start * steps[k]
        loop(chunk, steps, stop - start)


cdef bint independent(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, int operands, Py_ssize_t item
) noexcept nogil:
    """Whether no element of out is read for another one: then chunks may go in any order.

    It is so in place, where an input is out itself. It is not when a ufunc's reduce or
    accumulate lets the loop read what it has just written.
    """
    cdef int out = operands - 1
    cdef Py_ssize_t out_step = steps[out]
    if -item < out_step < item:
        return False
    cdef char* out_low = args[out] + min(<Py_ssize_t> 0, (n - 1) * out_step)
    cdef char* out_high = args[out] + max(<Py_ssize_t> 0, (n - 1) * out_step) + item
    cdef char* low
    cdef char* high
    cdef int k
    for k in range(out):
        low = args[k] + min(<Py_ssize_t> 0, (n - 1) * steps[k])
        high = args[k] + max(<Py_ssize_t> 0, (n - 1) * steps[k]) + item
        if low < out_high and out_low < high and (args[k] != args[out] or steps[k] != out_step):
            return False
    return True


def openmp_version():
    """The specification that this build follows, as yyyymm; None when built without OpenMP."""
    return CYRELU_OPENMP_VERSION or None


def build_info():
    """How this module was compiled."""
    return {
        "compiler": CYRELU_COMPILER.decode(),
        "cython": ".".join(str(CYTHON_HEX_VERSION >> shift & 255) for shift in (24, 16, 8)),
        "debug": CYRELU_DEBUG,
    }


instruction_set = "baseline"


cdef const Kernel* load_loops(str level) except NULL:
    loops = importlib.import_module(f"cyrelu._loops_{level}")
    return <const Kernel*> PyCapsule_GetPointer(loops.table, "cyrelu.loops")


table = load_loops(instruction_set)
