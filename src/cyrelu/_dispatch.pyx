# From a call to the loops: which instruction set, stores past the caches or not, how many threads.

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange

from cyrelu._loops cimport (
    AT_ZERO,
    CACHED,
    GRAD,
    NEGATIVE_SLOPE,
    ONE_BY_ONE,
    OPERAND_COUNT,
    OUT,
    STREAMING,
    X,
    Kernel,
    Loops,
    Manner,
    Operands,
    Operation,
)
from cyrelu._openmp cimport omp_get_wtime
from cyrelu._threads cimport thread_limit

from cyrelu import _settings

cdef enum:
    # Bytes that a call must move before it is split among threads, and the least for each of
    # them: a team costs some 3 us, in which one core moves 150 KiB (benchmarks/NOTES.md).
    PARALLEL_BYTES = 1 << 20
    CHUNK_BYTES = 1 << 18
    PAGE_BYTES = 4096

# Outputs of at least this size are streamed.
cdef Py_ssize_t stream_bytes = _settings.stream_bytes()

# Where other programs keep all processors busy, a team waits for its descheduled member, and
# libgomp's waiting is a busy loop: 11 ms for work of 0.3 ms (benchmarks/NOTES.md). A call slower
# than any single thread would be is such a stall; for a moment calls then go without a team.
cdef double stall_grace = 5e-4  # seconds
cdef double stall_rate = 2e9  # bytes per second
cdef double stall_pause = 0.25  # seconds
cdef double paused_until = 0

instruction_set = _settings.instruction_set()
cdef object capsule = _settings.load_loops(instruction_set)
cdef const Loops* loops = <const Loops*> PyCapsule_GetPointer(capsule, "cyrelu.loops")


cdef const Kernel* kernel(Operation operation) noexcept nogil:
    return &loops.kernels[operation]


cdef tuple operand_names(Operation operation):
    cdef const Kernel* row = kernel(operation)
    names = {GRAD: "grad", X: "x", NEGATIVE_SLOPE: "negative_slope", AT_ZERO: "at_zero"}
    return tuple([name for operand, name in names.items() if row.takes[<int> operand]])


cdef void run(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef Manner manner = CACHED
    if n <= 0:
        return  # NumPy calls an empty array aligned, wherever it is
    assert are_aligned(operands, item), "NumPy must hand over aligned operands"
    cdef Relation relation = relation_of_inputs_to_out(operands, n, item)
    if relation == ENTANGLED:
        manner = ONE_BY_ONE
    elif (
        relation == APART
        and n * item >= stream_bytes
        and operands.step[OUT] == item
        and loops.can_stream
    ):
        manner = STREAMING
    # The cheapest question first: could n elements be enough for threads at all?
    if (
        relation == ENTANGLED
        or n * item * OPERAND_COUNT < PARALLEL_BYTES
        or not run_in_parallel(kernel, single, operands, n, item, manner)
    ):
        loops.run(kernel, single, operands, n, manner)


cdef inline bint are_aligned(const Operands* operands, Py_ssize_t item) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if <size_t> operands.data[k] % <size_t> item:
            return False
    return True


cdef enum Relation:
    APART  # no input shares memory with out
    IN_PLACE  # an input is out itself
    ENTANGLED  # an element of out may be read for another one: a ufunc's reduce and accumulate do


cdef Relation relation_of_inputs_to_out(
    const Operands* operands, Py_ssize_t n, Py_ssize_t item
) noexcept nogil:
    cdef Relation relation = APART
    cdef char* out = operands.data[OUT]
    cdef Py_ssize_t out_step = operands.step[OUT]
    cdef Py_ssize_t out_reach = (n - 1) * out_step
    cdef Py_ssize_t reach
    cdef char* data
    cdef int k
    if n > 1 and -item < out_step < item:
        return ENTANGLED
    for k in range(OUT):
        data = operands.data[k]
        if data == NULL:
            continue
        if data == out and operands.step[k] == out_step:
            relation = IN_PLACE
            continue
        reach = (n - 1) * operands.step[k]
        if (
            data + min(reach, 0) < out + max(out_reach, 0) + item
            and out + min(out_reach, 0) < data + max(reach, 0) + item
        ):
            return ENTANGLED
    return relation


cdef bint run_in_parallel(
    const Kernel* kernel,
    bint single,
    const Operands* operands,
    Py_ssize_t n,
    Py_ssize_t item,
    Manner manner,
) noexcept nogil:
    """Run on a team of threads; False, and nothing done, where one thread is better."""
    global paused_until
    cdef Py_ssize_t k, arrays = 0
    for k in range(OPERAND_COUNT):
        arrays += operands.step[k] != 0
    cdef Py_ssize_t traffic = n * arrays * item
    if traffic < PARALLEL_BYTES:
        return False
    cdef int threads = thread_limit()
    cdef Py_ssize_t chunks = min(<Py_ssize_t> threads, traffic // <Py_ssize_t> CHUNK_BYTES)
    cdef double start = omp_get_wtime()
    if chunks < 2 or start < paused_until:
        return False
    # Chunks end where pages of a contiguous out do: a page is written by one thread.
    cdef Py_ssize_t page = PAGE_BYTES // item
    cdef Py_ssize_t length = ((n + chunks - 1) // chunks + page - 1) // page * page
    cdef Py_ssize_t before = <Py_ssize_t> (<size_t> operands.data[OUT] % PAGE_BYTES) // item
    # The team is always as large as the limit: libgomp is slow when its size varies.
    for k in prange(chunks, num_threads=threads, schedule="static"):
        run_chunk(
            kernel, single, operands, max(0, k * length - before),
            n if k == chunks - 1 else min(n, (k + 1) * length - before), manner,
        )
    cdef double stop = omp_get_wtime()
    if stop - start > stall_grace + traffic / stall_rate:
        paused_until = stop + stall_pause
    return True


cdef void run_chunk(
    const Kernel* kernel,
    bint single,
    const Operands* operands,
    Py_ssize_t start,
    Py_ssize_t stop,
    Manner manner,
) noexcept nogil:
    cdef Operands chunk = operands[0]
    cdef int k
    if start < stop:
        for k in range(OPERAND_COUNT):
            if chunk.data[k] != NULL:
                chunk.data[k] += start * chunk.step[k]
        loops.run(kernel, single, &chunk, stop - start, manner)


def set_stream_bytes(Py_ssize_t limit):
    """Set from which size on outputs are streamed; returns the limit that was in force.

    For tests and benchmarks; users have the environment variable CYRELU_STREAM_BYTES.
    """
    global stream_bytes
    before, stream_bytes = stream_bytes, limit
    return before


def streaming():
    """From how many bytes on outputs are streamed; None where no instruction set can."""
    return stream_bytes if loops.can_stream else None


def set_stall_policy(double grace=stall_grace, double rate=stall_rate, double pause=stall_pause):
    """Set what counts as a stall and how long calls then go without a team; end a pause.

    For tests and benchmarks: pause=0 keeps the team whatever the machine is doing.
    """
    global stall_grace, stall_rate, stall_pause, paused_until
    stall_grace, stall_rate, stall_pause, paused_until = grace, rate, pause, 0


def paused():
    """Whether calls go without a team just now."""
    return omp_get_wtime() < paused_until
