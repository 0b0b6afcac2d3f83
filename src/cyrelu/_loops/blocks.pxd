# Operands that are not contiguous: gathered into L1-sized blocks, a block at a time, for the
# contiguous loop, whose results are scattered, or streamed, to out. A packed block costs less
# than a loop over strided memory, which compilers do not vectorise (2 to 6x).

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from cyrelu._loops.dtypes cimport FLOAT32, FLOAT64, Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT
from cyrelu._loops.streaming cimport prefetch, stream
from cyrelu._loops.tags cimport Tag
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    SEQUENTIAL,
    STREAMING_STORES,
    LoopFlags,
    Operands,
    is_factor,
)
from cyrelu._loops.views cimport View, view

cdef enum:
    BLOCK_BYTES = 1024  # the fastest size for streaming, by up to a fifth
    # Hardware prefetchers stop at the end of a page; prefetching the next one streams a fifth
    # faster. In place it costs as much.
    PREFETCH_BYTES = 4096

# An operation over contiguous operands of one dtype; its factors are numbers, or arrays too.
ctypedef void (*Loop)(
    Tag* op, Tag* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil


ctypedef void (*Move)(View source, View to) noexcept nogil

# What elements are moved as: C lets a type be read as itself or its unsigned counterpart.
ctypedef fused Element:
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    float
    double


cdef inline void run_one_row(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint array_factors,
    LoopFlags flags,
) noexcept nogil:
    """Run n elements. What was streamed is not fenced."""
    if flags == 0 and are_contiguous(operands, itemsize(dtype), array_factors):
        loop(NULL, NULL, operands, n, array_factors)
    else:
        run_from_cache_line(loop, dtype, operands, n, array_factors, flags, BLOCK_BYTES, 0, 0)


cdef inline bint are_contiguous(
    const Operands* operands, Py_ssize_t item, bint array_factors
) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if (
            operands.data[k] != NULL
            and operands.stride[k] != item
            and (array_factors or not is_factor(k))
        ):
            return False
    return True


cdef inline void run_from_cache_line(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint array_factors,
    LoopFlags flags,
    Py_ssize_t block_bytes,
    int tiled,
    Py_ssize_t period,
) noexcept nogil:
    """Run in blocks; to be streamed, they begin where cache lines of out do."""
    cdef Py_ssize_t head = 0
    if flags & STREAMING_STORES:
        head = min(n, elements_to_cache_line(operands.data[OUT], itemsize(dtype)))
        run_in_blocks(loop, dtype, operands, 0, head, array_factors, 0, block_bytes, tiled, period)
    run_in_blocks(loop, dtype, operands, head, n, array_factors, flags, block_bytes, tiled, period)


cdef inline Py_ssize_t elements_to_cache_line(char* data, Py_ssize_t item) noexcept nogil:
    """How many elements come before the first one that begins a cache line."""
    cdef Py_ssize_t past = <Py_ssize_t> (<size_t> data % CACHE_LINE_BYTES)
    return (CACHE_LINE_BYTES - past) // item if past else 0


cdef inline void run_in_blocks(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t start,
    Py_ssize_t stop,
    bint array_factors,
    LoopFlags flags,
    Py_ssize_t block_bytes,
    int tiled,
    Py_ssize_t period,
) noexcept nogil:
    """Run the elements from start to stop; to be streamed, out[start] begins a cache line.

    tiled has a bit for each operand of which there is a tile: a period, and a block more.
    """
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t block_n = 1 if flags & SEQUENTIAL else block_bytes // item
    cdef bint out_is_direct = not flags & STREAMING_STORES and operands.stride[OUT] == item
    cdef Py_ssize_t first = start
    cdef Py_ssize_t n, streamed
    cdef char[OPERAND_COUNT * BLOCK_BYTES + CACHE_LINE_BYTES] memory
    cdef char* buffers = memory + CACHE_LINE_BYTES - <size_t> memory % CACHE_LINE_BYTES
    cdef Operands block
    cdef char* data
    cdef int k
    while start < stop:
        n = min(block_n, stop - start)
        for k in range(OPERAND_COUNT):
            data = operands.data[k] + start * operands.stride[k]
            if k == OUT:
                block.data[k] = data if out_is_direct else buffers + k * BLOCK_BYTES
            elif operands.data[k] == NULL:
                block.data[k] = NULL
            elif tiled >> k & 1:
                block.data[k] = operands.data[k] + start % period * item
            elif operands.stride[k] == item or (is_factor(k) and not array_factors):
                block.data[k] = data
                if flags & STREAMING_STORES and not is_factor(k):
                    prefetch(data + PREFETCH_BYTES, BLOCK_BYTES // CACHE_LINE_BYTES)
            else:
                block.data[k] = buffers + k * BLOCK_BYTES
                # One number is packed once, unless it may be an out that changes (reduce).
                if operands.stride[k] != 0 or start == first or flags & SEQUENTIAL:
                    gather(dtype, data, operands.stride[k], block.data[k], n)
        loop(NULL, NULL, &block, n, array_factors)
        data = operands.data[OUT] + start * operands.stride[OUT]
        streamed = 0
        if flags & STREAMING_STORES:
            streamed = n * item // CACHE_LINE_BYTES
            stream(data, block.data[OUT], streamed)
            streamed = streamed * CACHE_LINE_BYTES // item
        if not out_is_direct:
            scatter(
                dtype,
                block.data[OUT] + streamed * item,
                data + streamed * operands.stride[OUT],
                operands.stride[OUT],
                n - streamed,
            )
        start += n


# ---- gathering and scattering

# Four are loaded before one is stored: compilers, which have to reckon with an overlap, do not do
# that (0.36 instead of 0.57 ns for an element).

cdef inline void gather(
    Dtype dtype, char* source, Py_ssize_t stride, char* to, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    cdef View target = view(to, n, item)
    cdef View elements = view(source, n, stride)
    if dtype == FLOAT32:
        (<Move> gather_elements[float])(elements, target)
    elif dtype == FLOAT64:
        (<Move> gather_elements[double])(elements, target)
    elif item == 1:
        (<Move> gather_elements[uint8_t])(elements, target)
    elif item == 2:
        (<Move> gather_elements[uint16_t])(elements, target)
    elif item == 4:
        (<Move> gather_elements[uint32_t])(elements, target)
    else:
        (<Move> gather_elements[uint64_t])(elements, target)


cdef inline void gather_elements(const Element[:] source, Element[::1] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t rest = to.shape[0] % 4
    cdef Element a, b, c, d
    for i in range(0, to.shape[0] - rest, 4):
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        to[i], to[i + 1], to[i + 2], to[i + 3] = a, b, c, d
    for i in range(to.shape[0] - rest, to.shape[0]):
        to[i] = source[i]


cdef inline void scatter(
    Dtype dtype, char* source, char* to, Py_ssize_t stride, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    cdef View elements = view(source, n, item)
    cdef View target = view(to, n, stride)
    if dtype == FLOAT32:
        (<Move> scatter_elements[float])(elements, target)
    elif dtype == FLOAT64:
        (<Move> scatter_elements[double])(elements, target)
    elif item == 1:
        (<Move> scatter_elements[uint8_t])(elements, target)
    elif item == 2:
        (<Move> scatter_elements[uint16_t])(elements, target)
    elif item == 4:
        (<Move> scatter_elements[uint32_t])(elements, target)
    else:
        (<Move> scatter_elements[uint64_t])(elements, target)


cdef inline void scatter_elements(const Element[::1] source, Element[:] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t rest = to.shape[0] % 4
    cdef Element a, b, c, d
    for i in range(0, to.shape[0] - rest, 4):
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        to[i], to[i + 1], to[i + 2], to[i + 3] = a, b, c, d
    for i in range(to.shape[0] - rest, to.shape[0]):
        to[i] = source[i]


# Elements that are not chosen are not written, as another thread may do that.

cdef inline void store_where(
    Dtype dtype, char* source, char* to, const unsigned char* where, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    if dtype == FLOAT32:
        store_elements_where(<float*> source, <float*> to, where, n)
    elif dtype == FLOAT64:
        store_elements_where(<double*> source, <double*> to, where, n)
    elif item == 1:
        store_elements_where(<uint8_t*> source, <uint8_t*> to, where, n)
    elif item == 2:
        store_elements_where(<uint16_t*> source, <uint16_t*> to, where, n)
    elif item == 4:
        store_elements_where(<uint32_t*> source, <uint32_t*> to, where, n)
    else:
        store_elements_where(<uint64_t*> source, <uint64_t*> to, where, n)


cdef inline void store_elements_where(
    const Element* source, Element* to, const unsigned char* where, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if where[i]:
            to[i] = source[i]
