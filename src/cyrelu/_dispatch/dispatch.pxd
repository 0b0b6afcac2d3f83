from cyrelu._loops.dtypes cimport Dtype
from cyrelu._loops.operations cimport OPERAND_COUNT, Operation
from cyrelu._dispatch.team cimport RunChunk
from cyrelu._loops.types cimport LoopModule, Operands


# Runs an operation over n elements, with as many threads as are profitable. The result is that of
# one serial loop, in order, also where operands overlap.
# A new out is in the caches already: the operating system has just cleared its pages there.
# It may use the threads that a num_threads block of this limit allows (threads.pxd).
cdef void run(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint out_is_new,
    int block_limit,
) noexcept nogil


# The same where no element of out is read for another one: each input is out itself, or shares no
# memory with it.
cdef void run_elementwise(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    bint out_is_new,
    int block_limit,
) noexcept nogil


# Many rows of n elements: how many there are, and how to get from one to the next, axis by axis,
# the fastest first.
cdef enum:
    MAX_NDIM = 64  # NumPy's

cdef struct Rows:
    Py_ssize_t count
    int ndim
    Py_ssize_t[MAX_NDIM] shape
    Py_ssize_t[MAX_NDIM][OPERAND_COUNT] stride


# The same over many rows; elementwise, too.
cdef void run_rows(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Rows* rows,
    bint out_is_new,
    int block_limit,
) noexcept nogil


# The same for those of n contiguous elements for which there is a true bool, on the calling thread.
# An input is out itself, or shares no memory with it.
cdef void run_where(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const unsigned char* where,
) noexcept nogil


cdef inline Py_ssize_t ceil_div(Py_ssize_t n, Py_ssize_t divisor) noexcept nogil:
    return (n + divisor - 1) // divisor


# What other kinds of calls are made of (prelu.pyx): the loops in use, how many threads a call of
# this traffic gets and how many chunks, and a run of the chunks.
cdef const LoopModule* loop_module
cdef int profitable_threads(Py_ssize_t traffic, int block_limit) noexcept nogil
cdef Py_ssize_t chunks_for(int threads, Py_ssize_t traffic) noexcept nogil
cdef void run_in_parallel(
    RunChunk run_chunk, const void* call, Py_ssize_t chunks, int threads, Py_ssize_t traffic
) noexcept nogil


# What tests and benchmarks change (_testing.pyx).
cdef int use_instruction_set(str name) except -1
cdef Py_ssize_t stream_threshold_bytes
cdef double stall_grace
cdef double stall_rate
cdef double stall_pause
cdef double paused_until
