# From a call to the loops: which instruction set, stores past the caches or not, how many threads.

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange

from cyrelu._loops cimport (
    AT_ZERO,
    GRAD,
    NEGATIVE_SLOPE,
    ONE_BY_ONE,
    OPERAND_COUNT,
    OUT,
    READ_AHEAD,
    STREAMED,
    X,
    Kernel,
    Loops,
    Manner,
    Operands,
    Operation,
)
from cyrelu._openmp cimport omp_get_wtime
from cyrelu._shared cimport load_double, store_double
from cyrelu._threads cimport give_back_processors, take_processors, thread_limit

from cyrelu import _settings

cdef enum:
    # Bytes that a call must move before it is split among threads, and the least for each of
    # them: a team costs some 3 us, in which one core moves 150 KiB (benchmarks/NOTES.md), and
    # more the larger it is.
    PARALLEL_BYTES = 1 << 19
    PARALLEL_BYTES_PER_THREAD = 1 << 16
    CHUNK_BYTES = 1 << 17
    PAGE_BYTES = 4096
    LINE_BYTES = 64
    LINES_AT_HAND = 512  # of the first cache, for operands that are walked across their lines

# Outputs of at least this size are streamed.
cdef Py_ssize_t stream_bytes = _settings.stream_bytes()
# Calls that move as much take their operands from memory, not from a cache.
cdef Py_ssize_t read_ahead_bytes = _settings.read_ahead_bytes()


# Where other programs keep all processors busy, a team waits for its descheduled member, and
# libgomp's waiting is a busy loop: 11 ms for work of 0.3 ms (benchmarks/NOTES.md). A call slower
# than any single thread would be is such a stall; for a moment calls then go without a team.
cdef double stall_grace = 5e-4  # seconds
cdef double stall_rate = 2e9  # bytes per second
cdef double stall_pause = 0.25  # seconds
cdef double paused_until = 0

cdef list instruction_sets = _settings.instruction_sets()
cdef const Loops* loops
instruction_set = None


def set_instruction_set(str level):
    """Use the loops of an instruction set from now on.

    For tests; users have the environment variable CYRELU_ISA.
    """
    global instruction_set, loops
    if level not in instruction_sets:
        raise ValueError(f"set_instruction_set: level is {level!r}, which this machine cannot run")
    # The capsule is kept by its module, which is never unloaded.
    loops = <const Loops*> PyCapsule_GetPointer(_settings.load_loops(level), "cyrelu.loops")
    instruction_set = level


set_instruction_set(_settings.instruction_set())


cdef const Kernel* kernel(Operation operation) noexcept nogil:
    return &loops.kernels[operation]


cdef tuple operand_names(Operation operation):
    cdef const Kernel* row = kernel(operation)
    names = {GRAD: "grad", X: "x", NEGATIVE_SLOPE: "negative_slope", AT_ZERO: "at_zero"}
    return tuple([name for operand, name in names.items() if row.takes[<int> operand]])


cdef void run(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n, bint out_is_new
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    if n <= 0:
        return  # NumPy calls an empty array aligned, wherever it is
    assert are_aligned(operands, item), "NumPy must hand over aligned operands"
    cdef Relation relation = relation_of_inputs_to_out(operands, n, item)
    cdef Py_ssize_t traffic = traffic_of(operands, n, item)
    cdef Manner manner = 0
    if relation == ENTANGLED:
        manner |= ONE_BY_ONE
    elif loops.can_stream and not out_is_new:
        if relation == APART and n * item >= stream_bytes and operands.step[OUT] == item:
            manner |= STREAMED
        if traffic >= read_ahead_bytes:
            manner |= READ_AHEAD
    cdef Py_ssize_t chunks = 1
    if relation != ENTANGLED:
        chunks = chunks_for(traffic)
    if chunks == 1:
        loops.run(kernel, single, operands, n, manner)
        return
    # Chunks end where pages of a contiguous out do: a page is written by one thread.
    cdef Py_ssize_t page = PAGE_BYTES // item
    cdef Py_ssize_t before = <Py_ssize_t> (<size_t> operands.data[OUT] % PAGE_BYTES) // item
    cdef Py_ssize_t length = up_to((before + n + chunks - 1) // chunks, page)
    cdef Work work
    work.kernel, work.single, work.operands, work.n = kernel, single, operands, n
    work.rows, work.manner, work.length, work.before = NULL, manner, length, before
    run_in_parallel(&work, chunks, traffic)


cdef void run_rows(
    const Kernel* kernel,
    bint single,
    const Operands* operands,
    Py_ssize_t n,
    const Rows* rows,
    bint out_is_new,
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef Py_ssize_t traffic = rows.count * traffic_of(operands, n, item)
    cdef Py_ssize_t chunks
    cdef Work work
    if rows.count == 1:
        run(kernel, single, operands, n, out_is_new)
    elif n > 0:
        work.kernel, work.single, work.operands, work.n = kernel, single, operands, n
        work.rows, work.manner, work.before = rows, 0, 0
        chunks = min(chunks_for(traffic), rows.count)
        work.length = (rows.count + chunks - 1) // chunks
        if chunks == 1:
            run_chunk(&work, 0)
        else:
            run_in_parallel(&work, chunks, traffic)


cdef inline Py_ssize_t up_to(Py_ssize_t length, Py_ssize_t multiple) noexcept nogil:
    return (length + multiple - 1) // multiple * multiple


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
            and not (operands.step[k] == out_step and are_interleaved(data - out, out_step, item))
        ):
            return ENTANGLED
    return relation


cdef inline bint are_interleaved(
    Py_ssize_t distance, Py_ssize_t step, Py_ssize_t item
) noexcept nogil:
    """Whether elements as far apart as step, and others at a distance, never meet: columns do."""
    cdef Py_ssize_t length = step if step > 0 else -step
    cdef Py_ssize_t between = distance % length
    if between < 0:
        between += length
    return item <= between <= length - item


cdef bint threads_may_pay(Py_ssize_t traffic) noexcept nogil:
    # The cheapest question first: the limit is asked for large calls only.
    if traffic < PARALLEL_BYTES:
        return False
    cdef int threads = thread_limit()
    return threads > 1 and traffic >= threads * <Py_ssize_t> PARALLEL_BYTES_PER_THREAD


cdef Py_ssize_t traffic_of(const Operands* operands, Py_ssize_t n, Py_ssize_t item) noexcept nogil:
    """The bytes that are read and written."""
    cdef Py_ssize_t arrays = 0
    cdef int k
    for k in range(OPERAND_COUNT):
        arrays += operands.step[k] != 0
    return arrays * n * item


cdef Py_ssize_t chunks_for(Py_ssize_t traffic) noexcept nogil:
    """Among how many threads to split a call; 1 for none."""
    if not threads_may_pay(traffic) or omp_get_wtime() < load_double(&paused_until):
        return 1
    return min(<Py_ssize_t> thread_limit(), traffic // <Py_ssize_t> CHUNK_BYTES)


# A call to be split: its elements, or, where there are rows, these.
cdef struct Work:
    const Kernel* kernel
    bint single
    const Operands* operands
    Py_ssize_t n
    const Rows* rows
    Manner manner
    Py_ssize_t length  # of a chunk
    Py_ssize_t before  # how much of the first chunk is missing


cdef void run_in_parallel(const Work* work, Py_ssize_t chunks, Py_ssize_t traffic) noexcept nogil:
    cdef Py_ssize_t k
    cdef int threads = thread_limit()
    if not take_processors(threads):
        for k in range(chunks):
            run_chunk(work, k)
        return
    cdef double start = omp_get_wtime()
    # The team is always as large as the limit: libgomp is slow when its size varies.
    for k in prange(chunks, num_threads=threads, schedule="static"):
        run_chunk(work, k)
    cdef double stop = omp_get_wtime()
    give_back_processors(threads)
    if stop - start > stall_grace + traffic / stall_rate:
        store_double(&paused_until, stop + stall_pause)


cdef void run_chunk(const Work* work, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t start = max(0, k * work.length - work.before)
    cdef Py_ssize_t stop = (k + 1) * work.length - work.before
    cdef Operands chunk = work.operands[0]
    if work.rows != NULL:
        run_some_rows(work, start, min(stop, work.rows.count))
    elif start < min(stop, work.n):
        advance(&chunk, chunk.step, start)
        loops.run(work.kernel, work.single, &chunk, min(stop, work.n) - start, work.manner)


cdef void run_some_rows(const Work* work, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t piece = piece_of_row(work)
    cdef Py_ssize_t first = 0
    cdef Operands row
    while first < work.n:
        row = work.operands[0]
        advance(&row, row.step, first)
        run_pieces(work, row, min(piece, work.n - first), start, stop)
        first += piece


cdef Py_ssize_t piece_of_row(const Work* work) noexcept nogil:
    """How much of a row to run before the same piece of the next.

    An operand that lies across (a transposed one) has each element of a row in another line of the
    cache, and beside it that of the next row: the lines of a piece have to stay there until then.
    """
    cdef int across = 0
    cdef int k
    for k in range(OPERAND_COUNT):
        if (
            width(work.operands.step[k]) >= LINE_BYTES
            and 0 < width(work.rows.step[0][k]) < LINE_BYTES
        ):
            across += 1
    return LINES_AT_HAND // across if across else work.n


cdef inline Py_ssize_t width(Py_ssize_t step) noexcept nogil:
    return -step if step < 0 else step


cdef void run_pieces(
    const Work* work, Operands row, Py_ssize_t n, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    cdef const Rows* rows = work.rows
    cdef Py_ssize_t[MAX_DIMENSIONS] index
    cdef Py_ssize_t rest = start
    cdef Py_ssize_t _row
    cdef int axis
    for axis in range(rows.dimensions):
        index[axis] = rest % rows.shape[axis]
        rest //= rows.shape[axis]
        advance(&row, rows.step[axis], index[axis])
    for _row in range(start, stop):
        loops.run(work.kernel, work.single, &row, n, work.manner)
        for axis in range(rows.dimensions):
            index[axis] += 1
            if index[axis] < rows.shape[axis]:
                advance(&row, rows.step[axis], 1)
                break
            index[axis] = 0
            advance(&row, rows.step[axis], 1 - rows.shape[axis])


cdef inline void advance(
    Operands* operands, const Py_ssize_t* step, Py_ssize_t count
) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if operands.data[k] != NULL:
            operands.data[k] += count * step[k]


def set_thresholds(Py_ssize_t stream=stream_bytes, Py_ssize_t read_ahead=read_ahead_bytes):
    """Set from how many bytes on outputs are streamed and calls read ahead.

    For tests and benchmarks; users have the environment variable CYRELU_STREAM_BYTES.
    """
    global stream_bytes, read_ahead_bytes
    stream_bytes, read_ahead_bytes = stream, read_ahead


def streaming():
    """From how many bytes on outputs are streamed; None where no instruction set can."""
    return stream_bytes if loops.can_stream else None


def set_stall_policy(double grace=stall_grace, double rate=stall_rate, double pause=stall_pause):
    """Set what counts as a stall and how long calls then go without a team; end a pause.

    For tests and benchmarks: pause=0 keeps the team whatever the machine is doing.
    """
    global stall_grace, stall_rate, stall_pause
    stall_grace, stall_rate, stall_pause = grace, rate, pause
    store_double(&paused_until, 0)


def paused():
    """Whether calls go without a team just now."""
    return omp_get_wtime() < load_double(&paused_until)
