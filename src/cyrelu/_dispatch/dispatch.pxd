from cyrelu._dispatch.team cimport RunChunk
from cyrelu._loops.types cimport Call, LoopModule

# Runs a call, with as many threads as are profitable. The result is that of one serial loop, in
# order, also where operands overlap. A call of many rows is elementwise.
cdef void run(Call* call) noexcept nogil

# The same where no element of out is read for another one: each input is out itself, or shares no
# memory with it. With a mask it runs on the calling thread.
cdef void run_elementwise(Call* call) noexcept nogil


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
