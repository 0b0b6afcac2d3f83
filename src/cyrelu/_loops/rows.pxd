# Rows too short to be run one by one: several at once, gathered into a block; or all of them as one
# row, with what is the same for all (a bias, slopes) repeated in a tile.

from libc.string cimport memcpy

from cyrelu._loops.blocks cimport BLOCK_BYTES, Loop, gather, run_from_cache_line, scatter
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    STREAMING_STORES,
    LoopFlags,
    Operands,
    OperandSet,
)

cdef enum:
    # The longest row that is repeated in a tile, and the blocks that are then run at once.
    MAX_TILED_BYTES = 4096
    TILED_BLOCK_BYTES = 4096
    TILE_BYTES = MAX_TILED_BYTES + TILED_BLOCK_BYTES


cdef inline bint are_rows_contiguous(
    Dtype dtype, const Operands* operands, Py_ssize_t n, const Py_ssize_t* row_stride, int k
) noexcept nogil:
    """Whether the rows of the operand are contiguous, one after the other."""
    cdef Py_ssize_t item = itemsize(dtype)
    return operands.stride[k] == item and row_stride[k] == n * item


cdef inline bint can_be_tiled(
    Dtype dtype, const Operands* operands, Py_ssize_t n, const Py_ssize_t* row_stride
) noexcept nogil:
    """Whether each operand is the same for all rows, or has them one after the other, as out."""
    cdef int k
    for k in range(OPERAND_COUNT):
        if (
            operands.data[k] != NULL
            and (k == OUT or row_stride[k] != 0)
            and not are_rows_contiguous(dtype, operands, n, row_stride, k)
        ):
            return False
    return True


cdef inline void run_tiled_rows(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    OperandSet arrays,
    LoopFlags flags,
) noexcept nogil:
    """Run the rows as one; an operand that is the same for all of them is repeated in a tile.

    A block begins anywhere in a row, so the tile of a bias is a row and a block long.
    """
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t block_bytes = BLOCK_BYTES if flags & STREAMING_STORES else TILED_BLOCK_BYTES
    cdef Py_ssize_t tile_n = min(n + block_bytes // item, rows * n)
    # No operation has more inputs.
    cdef char[(OPERAND_COUNT - 2) * TILE_BYTES + CACHE_LINE_BYTES] memory
    cdef char* tile = memory + CACHE_LINE_BYTES - <size_t> memory % CACHE_LINE_BYTES
    cdef Operands tiled = operands[0]
    cdef OperandSet in_tiles = 0
    cdef int k
    for k in range(OUT):
        if row_stride[k] == 0 and arrays >> k & 1:
            repeat(dtype, operands.data[k], operands.stride[k], n, tile, tile_n)
            tiled.data[k], tiled.stride[k] = tile, item
            in_tiles |= 1 << k
            tile += TILE_BYTES
    run_from_cache_line(
        loop, dtype, &tiled, rows * n, arrays, flags, block_bytes, in_tiles, n
    )


cdef inline void repeat(
    Dtype dtype, char* source, Py_ssize_t stride, Py_ssize_t n, char* to, Py_ssize_t total
) noexcept nogil:
    """Fill total elements with n elements, again and again."""
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t done = min(n, total)
    cdef Py_ssize_t more
    gather(dtype, source, stride, to, done)
    while done < total:
        more = min(done, total - done)
        memcpy(to + done * item, to, more * item)
        done += more


cdef inline void run_short_rows(
    Loop loop,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    OperandSet arrays,
) noexcept nogil:
    """Gather as many rows as fill a block."""
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t most = BLOCK_BYTES // (n * item)
    cdef char[OPERAND_COUNT * BLOCK_BYTES + CACHE_LINE_BYTES] memory
    cdef char* buffers = memory + CACHE_LINE_BYTES - <size_t> memory % CACHE_LINE_BYTES
    cdef bint[OPERAND_COUNT] direct
    cdef Operands block
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t count, row
    cdef char* data
    cdef int k
    for k in range(OPERAND_COUNT):
        direct[k] = not arrays >> k & 1 or are_rows_contiguous(
            dtype, operands, n, row_stride, k
        )
        block.data[k] = operands.data[k] if direct[k] else buffers + k * BLOCK_BYTES
    while start < rows:
        count = min(most, rows - start)
        for k in range(OUT):
            if not direct[k] and (row_stride[k] != 0 or start == 0):
                data = operands.data[k] + start * row_stride[k]
                for row in range(count):
                    gather(
                        dtype,
                        data + row * row_stride[k],
                        operands.stride[k],
                        block.data[k] + row * n * item,
                        n,
                    )
        loop(NULL, NULL, NULL, &block, count * n, arrays)
        if not direct[OUT]:
            data = operands.data[OUT] + start * row_stride[OUT]
            for row in range(count):
                scatter(
                    dtype,
                    block.data[OUT] + row * n * item,
                    data + row * row_stride[OUT],
                    operands.stride[OUT],
                    n,
                )
        for k in range(OPERAND_COUNT):
            if direct[k] and block.data[k] != NULL:
                block.data[k] += count * row_stride[k]
        start += count
