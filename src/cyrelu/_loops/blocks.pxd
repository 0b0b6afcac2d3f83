# Operands that are not contiguous: gathered into L1-sized blocks, a block at a time, for the
# contiguous loop, whose results are scattered, or streamed, to out. A packed block costs less
# than a loop over strided memory, which compilers do not vectorise (2 to 6x).

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from cyrelu._loops.dtypes cimport FLOAT32, FLOAT64, Dtype, itemsize
from cyrelu._loops.operations cimport FIRST_FACTOR, OPERAND_COUNT, OUT, Operation, inputs_of
from cyrelu._loops.streaming cimport prefetch, stream
from cyrelu._loops.tags cimport Tag
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    FACTORS,
    SEQUENTIAL,
    STREAMING_STORES,
    LoopFlags,
    Operands,
    OperandSet,
    is_factor,
)
from cyrelu._loops.views cimport View, view

cdef enum:
    BLOCK_BYTES = 1024  # the fastest size for streaming, by up to a fifth
    # Hardware prefetchers stop at the end of a page; prefetching the next one streams a fifth
    # faster. In place it costs as much.
    PREFETCH_BYTES = 4096

# An operation over contiguous operands of one dtype: those in the set are arrays, all others are
# one number each, or not taken. The strides are not looked at.
ctypedef void (*Loop)(
    Tag* op, Tag* factors, Tag* dtype, const Operands* operands, Py_ssize_t n, OperandSet arrays
) noexcept nogil


ctypedef void (*Move)(View source, View to) noexcept nogil
ctypedef void (*StoreWhereTrue)(View source, View to, const unsigned char* where) noexcept nogil

cdef extern from *:
    ctypedef struct Gather "cyrelu_tag":
        pass
    ctypedef struct Fill "cyrelu_tag":
        pass
    ctypedef struct Scatter "cyrelu_tag":
        pass
    ctypedef struct StoreWhere "cyrelu_tag":
        pass

ctypedef fused Movement:
    Gather
    Fill
    Scatter
    StoreWhere

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
    OperandSet arrays,
    LoopFlags flags,
) noexcept nogil:
    """Run n elements. What was streamed is not fenced."""
    if flags == 0 and are_contiguous(operands, itemsize(dtype), arrays):
        loop(NULL, NULL, NULL, operands, n, arrays)
    else:
        run_from_cache_line(loop, dtype, operands, n, arrays, flags, BLOCK_BYTES, 0, 0)


cdef inline OperandSet arrays_of(
    Operation operation, const Py_ssize_t* stride, const Py_ssize_t* row_stride
) noexcept nogil:
    """Which operands a loop takes as arrays, for these strides; row_stride may be NULL.

    There are loops for three kinds of factors: all numbers; the first factor an array; all arrays.
    """
    cdef OperandSet taken = inputs_of(operation)
    cdef OperandSet factors = 0
    cdef int k
    for k in range(FIRST_FACTOR, OUT):
        if stride[k] != 0 or (row_stride != NULL and row_stride[k] != 0):
            factors |= 1 << k
    if factors & (factors - 1) or (factors and taken & FACTORS & (factors - 1)):
        factors = taken & FACTORS  # one is an array that is not the first
    return (taken & ~FACTORS) | factors | 1 << OUT


cdef inline bint are_contiguous(
    const Operands* operands, Py_ssize_t item, OperandSet arrays
) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if arrays >> k & 1 and operands.stride[k] != item:
            return False
    return True


cdef inline void run_from_cache_line(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    OperandSet arrays,
    LoopFlags flags,
    Py_ssize_t block_bytes,
    OperandSet tiled,
    Py_ssize_t period,
) noexcept nogil:
    """Run in blocks; to be streamed, they begin where cache lines of out do."""
    cdef Py_ssize_t head = 0
    if flags & STREAMING_STORES:
        head = min(n, elements_to_cache_line(operands.data[OUT], itemsize(dtype)))
        run_in_blocks(loop, dtype, operands, 0, head, arrays, 0, block_bytes, tiled, period)
    run_in_blocks(loop, dtype, operands, head, n, arrays, flags, block_bytes, tiled, period)


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
    OperandSet arrays,
    LoopFlags flags,
    Py_ssize_t block_bytes,
    OperandSet tiled,
    Py_ssize_t period,
) noexcept nogil:
    """Run the elements from start to stop; to be streamed, out[start] begins a cache line.

    tiled are the operands of which there is a tile: a period, and a block more.
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
            elif tiled >> k & 1:
                block.data[k] = operands.data[k] + start % period * item
            elif not arrays >> k & 1:
                block.data[k] = operands.data[k]
            elif operands.stride[k] == item:
                block.data[k] = data
                if flags & STREAMING_STORES and not is_factor(k):
                    prefetch(data + PREFETCH_BYTES, BLOCK_BYTES // CACHE_LINE_BYTES)
            else:
                block.data[k] = buffers + k * BLOCK_BYTES
                # One number is packed once, unless it may be an out that changes (reduce).
                if operands.stride[k] != 0:
                    gather(dtype, data, operands.stride[k], block.data[k], n)
                elif start == first or flags & SEQUENTIAL:
                    fill(dtype, data, block.data[k], n)
        loop(NULL, NULL, NULL, &block, n, arrays)
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

cdef inline void gather(
    Dtype dtype, char* source, Py_ssize_t stride, char* to, Py_ssize_t n
) noexcept nogil:
    move[Gather](NULL, dtype, view(source, n, stride), view(to, n, itemsize(dtype)), NULL)


cdef inline void fill(Dtype dtype, char* number, char* to, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    move[Fill](NULL, dtype, view(number, 1, item), view(to, n, item), NULL)


cdef inline void scatter(
    Dtype dtype, char* source, char* to, Py_ssize_t stride, Py_ssize_t n
) noexcept nogil:
    move[Scatter](NULL, dtype, view(source, n, itemsize(dtype)), view(to, n, stride), NULL)


cdef inline void store_where(
    Dtype dtype, char* source, char* to, const unsigned char* where, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    move[StoreWhere](NULL, dtype, view(source, n, item), view(to, n, item), where)


cdef inline void move(
    Movement* movement, Dtype dtype, View source, View to, const unsigned char* where
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    if dtype == FLOAT32:
        move_elements[Movement, float](NULL, NULL, source, to, where)
    elif dtype == FLOAT64:
        move_elements[Movement, double](NULL, NULL, source, to, where)
    elif item == 1:
        move_elements[Movement, uint8_t](NULL, NULL, source, to, where)
    elif item == 2:
        move_elements[Movement, uint16_t](NULL, NULL, source, to, where)
    elif item == 4:
        move_elements[Movement, uint32_t](NULL, NULL, source, to, where)
    else:
        move_elements[Movement, uint64_t](NULL, NULL, source, to, where)


cdef inline void move_elements(
    Movement* movement, Element* _, View source, View to, const unsigned char* where
) noexcept nogil:
    if Movement is Gather:
        (<Move> gather_elements[Element])(source, to)
    elif Movement is Fill:
        (<Move> fill_elements[Element])(source, to)
    elif Movement is Scatter:
        (<Move> scatter_elements[Element])(source, to)
    else:
        (<StoreWhereTrue> store_elements_where[Element])(source, to, where)


# Four are loaded before one is stored: compilers, which have to reckon with an overlap, do not do
# that (0.36 instead of 0.57 ns for an element).

cdef inline void gather_elements(const Element[:] source, Element[::1] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t rest = to.shape[0] % 4
    cdef Element a, b, c, d
    for i in range(0, to.shape[0] - rest, 4):
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        to[i], to[i + 1], to[i + 2], to[i + 3] = a, b, c, d
    for i in range(to.shape[0] - rest, to.shape[0]):
        to[i] = source[i]


cdef inline void fill_elements(const Element[::1] source, Element[::1] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Element number = source[0]
    for i in range(to.shape[0]):
        to[i] = number


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

cdef inline void store_elements_where(
    const Element[::1] source, Element[::1] to, const unsigned char* where
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(to.shape[0]):
        if where[i]:
            to[i] = source[i]
