from cyrelu._loops.types cimport MAX_LANES, Call

cdef enum:
    # Elements of a section, and columns of a block: see Prelu.
    SECTION = 1 << 14
    COLUMNS = MAX_LANES


# A backward pass through PReLU over contiguous arrays. They are groups, each of which has its own
# row of slopes. A group has either one slope, for `length` elements, or `columns` of them, for
# `rows` rows. It is divided into sections, of elements or of rows, and those of rows into blocks of
# columns: the unit for which one thread adds up the gradients of the slopes. The division depends
# on these numbers alone, as do all sums.
cdef struct Prelu:
    Call call  # its operands are those of the first row; at_zero is one number
    Py_ssize_t groups
    Py_ssize_t rows
    Py_ssize_t columns  # 1: one slope, and rows are elements
    const Py_ssize_t* slopes_of_group  # where in slopes the row of each group begins
    Py_ssize_t sections  # of each group
    double* sums  # for each group, section and column
    double* errors


# How many sections a group of so many rows and columns has.
cdef Py_ssize_t sections_of_group(Py_ssize_t rows, Py_ssize_t columns) noexcept nogil

# Fills in out, sums and errors; out may be grad or x itself.
cdef void run_prelu(const Prelu* prelu) noexcept nogil

# Adds the sums of the sections to those of the slopes, in order; lost, which is 0 before, is room
# for what the additions round off.
cdef void add_sections(
    const Prelu* prelu, double* totals, double* lost, Py_ssize_t slopes
) noexcept nogil
