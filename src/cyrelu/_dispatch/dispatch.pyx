# From a call to the loops: which loop flags, how many threads, and what each of them does.

from cpython.pycapsule cimport PyCapsule_GetPointer

from cyrelu._dispatch.overlap cimport absolute, is_elementwise
from cyrelu._dispatch.team cimport RunChunk, run_chunks
from cyrelu._dispatch.threads cimport thread_limit
from cyrelu._loops.dtypes cimport itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    MAX_NDIM,
    SEQUENTIAL,
    STREAMING_STORES,
    Call,
    LoopModule,
    Operands,
    Rows,
    advance,
)
from cyrelu._platform.atomics cimport load_double, store_double
from cyrelu._platform.openmp cimport omp_get_wtime

from cyrelu._dispatch import loop_modules
from cyrelu._platform import settings

cdef enum:
    # Bytes that a call must move before it is split among threads, and the least for each of
    # them: a team costs some 3 us, in which one core moves 150 KiB (benchmarks/NOTES.md), and
    # more the larger it is.
    PARALLEL_BYTES = 1 << 19
    PARALLEL_BYTES_PER_THREAD = 1 << 16
    CHUNK_BYTES = 1 << 17
    PAGE_BYTES = 4096
    L1_LINES = 512  # budgeted for operands that are traversed against memory order

# Outputs of at least this size are streamed.
stream_threshold_bytes = settings.stream_threshold_bytes()

# Where other programs keep all processors busy, a call waits for a descheduled thread of its team:
# 11 ms for work of 0.3 ms (benchmarks/NOTES.md). A call slower than any single thread would be is
# such a stall; for a moment calls then go without a team.
stall_grace = 5e-4  # seconds
stall_rate = 2e9  # bytes per second
stall_pause = 0.25  # seconds
paused_until = 0

instruction_set = None


cdef int use_instruction_set(str name) except -1:
    """Run the loops of an instruction set from now on."""
    global instruction_set, loop_module
    # The capsule lives as long as its module, which is never unloaded.
    loop_module = <const LoopModule*> PyCapsule_GetPointer(loop_modules.load(name), "loop_module")
    instruction_set = name
    return 0


use_instruction_set(loop_modules.chosen())


def stream_threshold():
    """The size in bytes of the smallest output that is streamed; None where no loop can."""
    return stream_threshold_bytes if loop_module.can_stream else None


# How a call is split: the elements, or rows, in each chunk, and by how many elements chunks begin
# earlier, so that they end where pages do.
cdef struct Chunks:
    const Call* call
    Py_ssize_t size
    Py_ssize_t shift


cdef void run(Call* call) noexcept nogil:
    if call.rows != NULL or call.n <= 0 or is_elementwise(
        &call.operands, call.n, itemsize(call.dtype)
    ):
        run_elementwise(call)
    else:
        call.flags = SEQUENTIAL
        loop_module.run(call, &call.operands, call.n, 1)


cdef void run_elementwise(Call* call) noexcept nogil:
    if call.rows != NULL and call.rows.count != 1:
        run_many_rows(call)
        return
    if call.n <= 0:
        return  # NumPy calls an empty array aligned, wherever it is
    cdef const Operands* operands = &call.operands
    cdef Py_ssize_t item = itemsize(call.dtype)
    if call.where != NULL:
        loop_module.run(call, operands, call.n, 1)
        return
    assert are_aligned(operands, item), "NumPy must hand over aligned operands"
    cdef Py_ssize_t size = call.n * item
    if size >= stream_threshold_bytes and operands.stride[OUT] == item:
        call.flags = streaming_flag(call)
    cdef Py_ssize_t traffic = 0
    cdef int threads = 1
    if OPERAND_COUNT * size >= PARALLEL_BYTES:
        traffic = traffic_of(operands, call.n, item)
        threads = profitable_threads(traffic, call.block_limit)
    if threads == 1:
        loop_module.run(call, operands, call.n, 1)
        return
    # Chunks end where pages of a contiguous out do: a page is written by one thread.
    cdef Py_ssize_t count = chunks_for(threads, traffic)
    cdef Py_ssize_t shift = <Py_ssize_t> (<size_t> operands.data[OUT] % PAGE_BYTES) // item
    cdef Py_ssize_t chunk = round_up(ceil_div(shift + call.n, count), PAGE_BYTES // item)
    cdef Chunks chunks = Chunks(call, chunk, shift)
    run_in_parallel(run_chunk, &chunks, count, threads, traffic)


cdef void run_many_rows(Call* call) noexcept nogil:
    cdef const Rows* rows = call.rows
    if call.n <= 0 or rows.count <= 0:
        return
    cdef const Operands* operands = &call.operands
    cdef Py_ssize_t item = itemsize(call.dtype)
    cdef Py_ssize_t traffic = traffic_of_rows(operands, call.n, rows, item)
    if rows.count * call.n * item >= stream_threshold_bytes and is_out_contiguous(
        operands, call.n, rows, item
    ):
        call.flags = streaming_flag(call)
    cdef int threads = profitable_threads(traffic, call.block_limit)
    cdef Py_ssize_t count = min(chunks_for(threads, traffic), rows.count)
    cdef Chunks chunks = Chunks(call, ceil_div(rows.count, count), 0)
    if threads == 1:
        run_chunk_of_rows(&chunks, 0)
    else:
        run_in_parallel(run_chunk_of_rows, &chunks, count, threads, traffic)


cdef inline int streaming_flag(const Call* call) noexcept nogil:
    """Whether a large contiguous out is streamed: what is new, or read, is in the caches."""
    if loop_module.can_stream and not call.out_is_new and not is_out_an_input(&call.operands):
        return STREAMING_STORES
    return 0


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return ceil_div(n, multiple) * multiple


cdef inline bint are_aligned(const Operands* operands, Py_ssize_t item) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if <size_t> operands.data[k] % <size_t> item:
            return False
    return True


cdef inline Py_ssize_t traffic_of(
    const Operands* operands, Py_ssize_t n, Py_ssize_t item
) noexcept nogil:
    """The bytes that are read and written."""
    cdef Py_ssize_t arrays = 0
    cdef int k
    for k in range(OPERAND_COUNT):
        arrays += operands.stride[k] != 0
    return arrays * n * item


cdef inline Py_ssize_t traffic_of_rows(
    const Operands* operands, Py_ssize_t n, const Rows* rows, Py_ssize_t item
) noexcept nogil:
    """The same; what has one row, or one number for each, stays in a cache."""
    cdef Py_ssize_t arrays = 0
    cdef int k
    for k in range(OPERAND_COUNT):
        arrays += operands.stride[k] != 0 and rows.stride[0][k] != 0
    return arrays * rows.count * n * item


cdef inline bint is_out_contiguous(
    const Operands* operands, Py_ssize_t n, const Rows* rows, Py_ssize_t item
) noexcept nogil:
    cdef Py_ssize_t size = n * item
    cdef int axis
    if operands.stride[OUT] != item:
        return False
    for axis in range(rows.ndim):
        if rows.stride[axis][OUT] != size:
            return False
        size *= rows.shape[axis]
    return True


cdef inline bint is_out_an_input(const Operands* operands) noexcept nogil:
    cdef int k
    for k in range(OUT):
        if operands.data[k] == operands.data[OUT]:
            return True
    return False


# ---- threads

cdef int profitable_threads(Py_ssize_t traffic, int block_limit) noexcept nogil:
    """The threads of the team that a call of this traffic gets; 1: no team."""
    # The cheapest question first: the limit is asked for large calls only, and once.
    if traffic < PARALLEL_BYTES:
        return 1
    cdef int threads = thread_limit(block_limit)
    if (
        threads > 1
        and traffic >= threads * <Py_ssize_t> PARALLEL_BYTES_PER_THREAD
        and omp_get_wtime() >= load_double(&paused_until)
    ):
        return threads
    return 1


cdef Py_ssize_t chunks_for(int threads, Py_ssize_t traffic) noexcept nogil:
    """How many threads of a team have work: each moves CHUNK_BYTES at least."""
    return 1 if threads == 1 else min(<Py_ssize_t> threads, traffic // CHUNK_BYTES)


cdef void run_in_parallel(
    RunChunk run_chunk, const void* call, Py_ssize_t chunks, int threads, Py_ssize_t traffic
) noexcept nogil:
    cdef double start = omp_get_wtime()
    # The team is always as large as the limit: libgomp is slow when the team size changes.
    cdef bint had_team = run_chunks(run_chunk, call, chunks, threads - 1)
    cdef double stop = omp_get_wtime()
    if had_team and stop - start > stall_grace + traffic / stall_rate:
        store_double(&paused_until, stop + stall_pause)


cdef void run_chunk(const void* argument, Py_ssize_t k) noexcept nogil:
    cdef const Chunks* chunks = <const Chunks*> argument
    cdef const Call* call = chunks.call
    cdef Py_ssize_t start = max(0, k * chunks.size - chunks.shift)
    cdef Py_ssize_t stop = min((k + 1) * chunks.size - chunks.shift, call.n)
    cdef Operands operands = call.operands
    if start < stop:
        advance(&operands, operands.stride, start)
        loop_module.run(call, &operands, stop - start, 1)


# ---- rows

cdef void run_chunk_of_rows(const void* argument, Py_ssize_t k) noexcept nogil:
    cdef const Chunks* chunks = <const Chunks*> argument
    cdef const Call* call = chunks.call
    cdef Py_ssize_t start = k * chunks.size
    cdef Py_ssize_t stop = min(start + chunks.size, call.rows.count)
    cdef Py_ssize_t tile = tile_of_row(call)
    cdef Py_ssize_t first = 0
    cdef Operands row
    while first < call.n:
        row = call.operands
        advance(&row, row.stride, first)
        run_tile(call, row, min(tile, call.n - first), start, stop)
        first += tile


cdef Py_ssize_t tile_of_row(const Call* call) noexcept nogil:
    """How many elements of a row to run before the same ones of the next.

    An operand that is traversed against memory order (a transposed one) has each element of a row
    in another cache line, and beside it that of the next row: the lines of a tile have to stay in
    L1 until then.
    """
    cdef int against_memory_order = 0
    cdef int k
    for k in range(OPERAND_COUNT):
        if (
            absolute(call.operands.stride[k]) >= CACHE_LINE_BYTES
            and 0 < absolute(call.rows.stride[0][k]) < CACHE_LINE_BYTES
        ):
            against_memory_order += 1
    return L1_LINES // against_memory_order if against_memory_order else call.n


cdef void run_tile(
    const Call* call, Operands row, Py_ssize_t n, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """Run n elements of each of the rows from start to stop."""
    cdef const Rows* rows = call.rows
    cdef Py_ssize_t[MAX_NDIM] index
    cdef Py_ssize_t rest = start
    cdef Py_ssize_t count
    cdef int axis
    for axis in range(rows.ndim):
        index[axis] = rest % rows.shape[axis]
        rest //= rows.shape[axis]
        advance(&row, rows.stride[axis], index[axis])
    while start < stop:
        count = min(rows.shape[0] - index[0], stop - start)
        loop_module.run(call, &row, n, count)
        start += count
        advance(&row, rows.stride[0], count)
        index[0] += count
        for axis in range(rows.ndim - 1):
            if index[axis] < rows.shape[axis]:
                break
            advance(&row, rows.stride[axis], -rows.shape[axis])
            index[axis] = 0
            advance(&row, rows.stride[axis + 1], 1)
            index[axis + 1] += 1
