# From a call to the loops: which loop flags, how many threads, and what each of them does.

from cpython.pycapsule cimport PyCapsule_GetPointer

from cyrelu._dispatch.overlap cimport is_elementwise
from cyrelu._dispatch.team cimport RunChunk, run_chunks
from cyrelu._dispatch.threads cimport thread_limit
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT, Operation
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    SEQUENTIAL,
    STREAMING_STORES,
    LoopFlags,
    LoopModule,
    Operands,
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


# A call: its elements, or rows of them, and how it is split into chunks.
cdef struct Call:
    Operation operation
    Dtype dtype
    const Operands* operands
    Py_ssize_t n
    const Rows* rows  # NULL: none
    LoopFlags flags
    Py_ssize_t chunk  # elements, or rows, in each chunk
    Py_ssize_t shift  # by how much chunks begin earlier, so that they end where pages do


cdef void run(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint out_is_new,
    int block_limit,
) noexcept nogil:
    if n <= 0 or is_elementwise(operands, n, itemsize(dtype)):
        run_elementwise(operation, dtype, operands, n, out_is_new, block_limit)
    else:
        loop_module.run(operation, dtype, operands, n, SEQUENTIAL)


cdef void run_elementwise(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint out_is_new,
    int block_limit,
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    if n <= 0:
        return  # NumPy calls an empty array aligned, wherever it is
    assert are_aligned(operands, item), "NumPy must hand over aligned operands"
    cdef Py_ssize_t traffic = traffic_of(operands, n, item)
    cdef LoopFlags flags = 0
    if (
        loop_module.can_stream
        and not out_is_new
        and n * item >= stream_threshold_bytes
        and operands.stride[OUT] == item
        and not is_out_an_input(operands)
    ):
        flags |= STREAMING_STORES
    cdef int threads = profitable_threads(traffic, block_limit)
    if threads == 1:
        loop_module.run(operation, dtype, operands, n, flags)
        return
    # Chunks end where pages of a contiguous out do: a page is written by one thread.
    cdef Py_ssize_t chunks = chunks_for(threads, traffic)
    cdef Py_ssize_t shift = <Py_ssize_t> (<size_t> operands.data[OUT] % PAGE_BYTES) // item
    cdef Py_ssize_t chunk = round_up(ceil_div(shift + n, chunks), PAGE_BYTES // item)
    cdef Call call = Call(operation, dtype, operands, n, NULL, flags, chunk, shift)
    run_in_parallel(run_chunk, &call, chunks, threads, traffic)


cdef void run_rows(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Rows* rows,
    bint out_is_new,
    int block_limit,
) noexcept nogil:
    if rows.count == 1:
        run_elementwise(operation, dtype, operands, n, out_is_new, block_limit)
        return
    if n <= 0 or rows.count <= 0:
        return
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t traffic = traffic_of_rows(operands, n, rows, item)
    cdef LoopFlags flags = 0
    if (
        loop_module.can_stream
        and not out_is_new
        and rows.count * n * item >= stream_threshold_bytes
        and is_out_contiguous(operands, n, rows, item)
        and not is_out_an_input(operands)
    ):
        flags |= STREAMING_STORES
    cdef int threads = profitable_threads(traffic, block_limit)
    cdef Py_ssize_t chunks = min(chunks_for(threads, traffic), rows.count)
    cdef Py_ssize_t chunk = ceil_div(rows.count, chunks)
    cdef Call call = Call(operation, dtype, operands, n, rows, flags, chunk, 0)
    if threads == 1:
        run_chunk(&call, 0)
    else:
        run_in_parallel(run_chunk, &call, chunks, threads, traffic)


cdef void run_where(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const unsigned char* where,
) noexcept nogil:
    loop_module.run_where(operation, dtype, operands, n, where)


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
    cdef const Call* call = <const Call*> argument
    cdef Py_ssize_t start = max(0, k * call.chunk - call.shift)
    cdef Py_ssize_t stop = (k + 1) * call.chunk - call.shift
    cdef Operands chunk = call.operands[0]
    if call.rows != NULL:
        run_rows_of_chunk(call, start, min(stop, call.rows.count))
    elif start < min(stop, call.n):
        advance(&chunk, chunk.stride, start)
        loop_module.run(call.operation, call.dtype, &chunk, min(stop, call.n) - start, call.flags)


# ---- rows

cdef void run_rows_of_chunk(const Call* call, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Run the rows from start to stop, in tiles."""
    cdef Py_ssize_t tile = tile_of_row(call)
    cdef Py_ssize_t first = 0
    cdef Operands row
    while first < call.n:
        row = call.operands[0]
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


cdef inline Py_ssize_t absolute(Py_ssize_t stride) noexcept nogil:
    return -stride if stride < 0 else stride


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
        loop_module.run_rows(
            call.operation, call.dtype, &row, n, rows.stride[0], count, call.flags
        )
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
