# The backward pass through PReLU: both gradients in one loop. A sum has lanes, which are added up
# at the end of a section; which element goes to which lane does not depend on threads or vectors.

from libc.math cimport isfinite
from libc.string cimport memcpy, memset

from cyrelu._dispatch.dispatch cimport (
    ceil_div,
    chunks_for,
    loop_module,
    profitable_threads,
    run_in_parallel,
)
from cyrelu._loops.dtypes cimport itemsize
from cyrelu._loops.operations cimport GRAD, NEGATIVE_SLOPE, OUT, X
from cyrelu._loops.types cimport Call, Operands, Rows, Sums, advance

cdef enum:
    LANES = 256  # of one slope; of columns, as many rows as fit beside each other
    ARRAYS = 3  # that are read and written


# What the threads share: the call, and the units in a chunk.
cdef struct Chunks:
    const Prelu* prelu
    Py_ssize_t units
    Py_ssize_t chunk


cdef inline Py_ssize_t rows_beside_each_other(Py_ssize_t columns) noexcept nogil:
    return max(1, LANES // columns)


cdef inline Py_ssize_t rows_of_section(Py_ssize_t columns) noexcept nogil:
    """A multiple of the rows beside each other, of about SECTION elements."""
    cdef Py_ssize_t beside = rows_beside_each_other(columns)
    cdef Py_ssize_t width = min(columns, <Py_ssize_t> COLUMNS)
    return beside * max(1, SECTION // (beside * width))


cdef Py_ssize_t sections_of_group(Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    return ceil_div(rows, rows_of_section(columns))


cdef void run_prelu(const Prelu* prelu) noexcept nogil:
    cdef Py_ssize_t elements = prelu.groups * prelu.rows * prelu.columns
    cdef Py_ssize_t traffic = ARRAYS * elements * itemsize(prelu.call.dtype)
    cdef Py_ssize_t blocks = ceil_div(prelu.columns, COLUMNS)
    cdef int threads = profitable_threads(traffic, prelu.call.block_limit)
    cdef Chunks chunks
    cdef Py_ssize_t count
    chunks.prelu = prelu
    chunks.units = prelu.groups * prelu.sections * blocks
    count = min(chunks_for(threads, traffic), chunks.units)
    chunks.chunk = ceil_div(chunks.units, max(1, count))
    if count <= 1:
        run_units(&chunks, 0)
    else:
        run_in_parallel(run_units, &chunks, count, threads, traffic)


cdef void run_units(const void* argument, Py_ssize_t k) noexcept nogil:
    cdef const Chunks* chunks = <const Chunks*> argument
    cdef const Prelu* prelu = chunks.prelu
    cdef Py_ssize_t blocks = ceil_div(prelu.columns, COLUMNS)
    cdef Py_ssize_t unit, section
    for unit in range(k * chunks.chunk, min((k + 1) * chunks.chunk, chunks.units)):
        section = unit // blocks
        run_unit(prelu, section // prelu.sections, section % prelu.sections, unit % blocks)


cdef inline void run_unit(
    const Prelu* prelu, Py_ssize_t group, Py_ssize_t section, Py_ssize_t block
) noexcept nogil:
    cdef Py_ssize_t columns = prelu.columns
    cdef Py_ssize_t item = itemsize(prelu.call.dtype)
    cdef Py_ssize_t beside = rows_beside_each_other(columns)
    cdef Py_ssize_t row = section * rows_of_section(columns)
    cdef Py_ssize_t stop = min(row + rows_of_section(columns), prelu.rows)
    cdef Py_ssize_t column = block * COLUMNS
    cdef Py_ssize_t width = min(columns - column, <Py_ssize_t> COLUMNS)
    cdef Py_ssize_t lanes = min(beside, stop - row) * width
    cdef double[COLUMNS] repeated
    cdef Sums sums
    cdef Rows of_rows
    cdef Call call = prelu.call
    cdef Operands* operands = &call.operands
    cdef Py_ssize_t* step = of_rows.stride[0]
    cdef Py_ssize_t rows, steps, first, k
    memset(sums.of_products, 0, lanes * sizeof(double))
    memset(sums.of_errors, 0, lanes * sizeof(double))
    memset(step, 0, sizeof(of_rows.stride[0]))
    call.sums, call.rows = &sums, &of_rows
    advance(operands, operands.stride, (group * prelu.rows + row) * columns + column)
    step[GRAD] = step[X] = step[OUT] = beside * columns * item
    operands.data[NEGATIVE_SLOPE] += (prelu.slopes_of_group[group] + column) * item
    operands.stride[NEGATIVE_SLOPE] = item if columns > 1 else 0
    if columns > 1 and beside > 1:
        for k in range(lanes // width):
            memcpy(
                <char*> repeated + k * width * item,
                operands.data[NEGATIVE_SLOPE],
                width * item,
            )
        operands.data[NEGATIVE_SLOPE] = <char*> repeated
    while row < stop:  # the last rows may be fewer than fit beside each other
        rows = min(beside, stop - row)
        steps = (stop - row) // rows
        loop_module.run(&call, operands, rows * width, steps)
        advance(operands, step, steps)
        row += steps * rows
    fold(sums.of_products, sums.of_errors, lanes, width)
    first = (group * prelu.sections + section) * columns + column
    for k in range(width):
        prelu.sums[first + k] = sums.of_products[k]
        prelu.errors[first + k] = sums.of_errors[k]


cdef inline void fold(
    double* sums, double* errors, Py_ssize_t lanes, Py_ssize_t width
) noexcept nogil:
    """Add up the lanes of each column, the upper half to the lower, until one is left."""
    cdef Py_ssize_t half
    while lanes > width:
        half = (lanes // width + 1) // 2 * width
        add_sums(sums, errors, sums + half, errors + half, lanes - half)
        lanes = half


cdef inline void add_sums(
    double* sums, double* errors, const double* more, const double* more_errors, Py_ssize_t n
) noexcept nogil:
    """sums += more; errors collects what is rounded off (Knuth's sum of two)."""
    cdef Py_ssize_t i
    cdef double before, after, added
    for i in range(n):
        before = sums[i]
        after = before + more[i]
        added = after - before
        errors[i] += more_errors[i] + ((before - (after - added)) + (more[i] - added))
        sums[i] = after


cdef void add_sections(
    const Prelu* prelu, double* totals, double* lost, Py_ssize_t slopes
) noexcept nogil:
    cdef Py_ssize_t group, _section, k
    cdef Py_ssize_t position = 0
    for group in range(prelu.groups):
        k = prelu.slopes_of_group[group]
        for _section in range(prelu.sections):
            add_sums(
                totals + k, lost + k, prelu.sums + position, prelu.errors + position, prelu.columns
            )
            position += prelu.columns
    for k in range(slopes):
        if isfinite(totals[k]) and isfinite(lost[k]):  # what is lost of an infinity is NaN
            totals[k] += lost[k]
