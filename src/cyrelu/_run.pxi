# From operands that lie anyhow to the contiguous passes, and from these to out; the second half
# of every loop module.
#
# Where all operands are contiguous a pass takes them as they are. Otherwise they go through small
# buffers in the first cache, a block at a time: strided operands and repeated numbers are packed
# into them before the pass, the results unpacked, or streamed to memory, after it. A packed block
# costs less than loops over strided memory, which compilers do not vectorise (2 to 6x).

from cyrelu._streaming cimport CAN_STREAM, LINE_BYTES, prefetch, stream, stream_fence

cdef enum:
    BLOCK_BYTES = 1024  # the best for streaming, by up to a fifth
    # The processor does not read ahead across pages; told to, it streams a fifth faster.
    PREFETCH_BYTES = 4096


cdef void run(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n, Manner manner
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef bint array_factors = (
        operands.step[NEGATIVE_SLOPE] != 0 or operands.step[AT_ZERO] != 0
    )
    cdef Py_ssize_t head
    if manner & STREAMED:
        head = elements_to_line(operands.data[OUT], n, item)
        run_in_blocks(kernel, single, operands, 0, head, array_factors, 0)
        run_in_blocks(kernel, single, operands, head, n, array_factors, manner)
    elif manner == 0 and are_contiguous(kernel, operands, item, array_factors):
        run_pass(kernel, single, operands, n, array_factors)
    else:
        run_in_blocks(kernel, single, operands, 0, n, array_factors, manner)


cdef inline Py_ssize_t elements_to_line(char* data, Py_ssize_t n, Py_ssize_t item) noexcept nogil:
    """How many of n elements stand before the first that begins a cache line."""
    cdef Py_ssize_t past = <Py_ssize_t> (<size_t> data % LINE_BYTES)
    return min(n, (LINE_BYTES - past) // item) if past else 0


cdef inline bint are_contiguous(
    const Kernel* kernel, const Operands* operands, Py_ssize_t item, bint array_factors
) noexcept nogil:
    cdef int k
    for k in range(OPERAND_COUNT):
        if kernel.takes[k] and operands.step[k] != item and (array_factors or not is_factor(k)):
            return False
    return True


cdef inline bint is_factor(int operand) noexcept nogil:
    return operand == NEGATIVE_SLOPE or operand == AT_ZERO


cdef inline void run_pass(
    const Kernel* kernel, bint single, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if single:
        kernel.f32(
            <const float*> operands.data[GRAD],
            <const float*> operands.data[X],
            <const float*> operands.data[NEGATIVE_SLOPE],
            <const float*> operands.data[AT_ZERO],
            <float*> operands.data[OUT],
            n,
            array_factors,
        )
    else:
        kernel.f64(
            <const double*> operands.data[GRAD],
            <const double*> operands.data[X],
            <const double*> operands.data[NEGATIVE_SLOPE],
            <const double*> operands.data[AT_ZERO],
            <double*> operands.data[OUT],
            n,
            array_factors,
        )


cdef void run_in_blocks(
    const Kernel* kernel,
    bint single,
    const Operands* operands,
    Py_ssize_t start,
    Py_ssize_t stop,
    bint array_factors,
    Manner manner,
) noexcept nogil:
    """Run the elements from start to stop; where they are streamed, out[start] begins a line."""
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef Py_ssize_t block = 1 if manner & ONE_BY_ONE else BLOCK_BYTES // item
    cdef bint out_is_direct = not manner & STREAMED and operands.step[OUT] == item
    cdef Py_ssize_t first = start
    cdef Py_ssize_t count, streamed
    cdef char[OPERAND_COUNT * BLOCK_BYTES + LINE_BYTES] memory
    cdef char* buffers = memory + LINE_BYTES - <size_t> memory % LINE_BYTES
    cdef Operands piece
    cdef char* data
    cdef int k
    while start < stop:
        count = min(block, stop - start)
        for k in range(OPERAND_COUNT):
            data = operands.data[k] + start * operands.step[k]
            if k == OUT:
                piece.data[k] = data if out_is_direct else buffers + k * BLOCK_BYTES
            elif not kernel.takes[k]:
                piece.data[k] = NULL
            elif operands.step[k] == item or (is_factor(k) and not array_factors):
                piece.data[k] = data
                if manner & READ_AHEAD and not is_factor(k):
                    prefetch(data + PREFETCH_BYTES, BLOCK_BYTES // LINE_BYTES)
            else:
                piece.data[k] = buffers + k * BLOCK_BYTES
                # A repeated number is packed once, unless it may be an out that changes (reduce).
                if operands.step[k] != 0 or start == first or manner & ONE_BY_ONE:
                    pack(single, data, operands.step[k], piece.data[k], count)
        run_pass(kernel, single, &piece, count, array_factors)
        data = operands.data[OUT] + start * operands.step[OUT]
        streamed = 0
        if manner & STREAMED:
            streamed = count * item // LINE_BYTES
            stream(data, piece.data[OUT], streamed)
            streamed = streamed * LINE_BYTES // item
        if not out_is_direct:
            unpack(
                single,
                piece.data[OUT] + streamed * item,
                data + streamed * operands.step[OUT],
                operands.step[OUT],
                count - streamed,
            )
        start += count
    if manner & STREAMED:
        stream_fence()


cdef inline void pack(
    bint single, char* source, Py_ssize_t step, char* to, Py_ssize_t n
) noexcept nogil:
    if single:
        (<void (*)(View, View) noexcept nogil> pack_elements[float])(
            strided_view(source, n, step), view(<float*> to, n)
        )
    else:
        (<void (*)(View, View) noexcept nogil> pack_elements[double])(
            strided_view(source, n, step), view(<double*> to, n)
        )


# Four at a time, all read before one is written: compilers, who must reckon with source and to
# overlapping, do not do that (0.36 against 0.57 ns for an element).

cdef void pack_elements(const floating[:] source, floating[::1] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t rest = to.shape[0] % 4
    cdef floating a, b, c, d
    for i in range(0, to.shape[0] - rest, 4):
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        to[i], to[i + 1], to[i + 2], to[i + 3] = a, b, c, d
    for i in range(to.shape[0] - rest, to.shape[0]):
        to[i] = source[i]


cdef inline void unpack(
    bint single, char* source, char* to, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    if single:
        (<void (*)(View, View) noexcept nogil> unpack_elements[float])(
            view(<float*> source, n), strided_view(to, n, step)
        )
    else:
        (<void (*)(View, View) noexcept nogil> unpack_elements[double])(
            view(<double*> source, n), strided_view(to, n, step)
        )


cdef void unpack_elements(const floating[::1] source, floating[:] to) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t rest = to.shape[0] % 4
    cdef floating a, b, c, d
    for i in range(0, to.shape[0] - rest, 4):
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        to[i], to[i + 1], to[i + 2], to[i + 3] = a, b, c, d
    for i in range(to.shape[0] - rest, to.shape[0]):
        to[i] = source[i]
