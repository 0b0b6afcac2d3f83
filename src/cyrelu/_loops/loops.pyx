# What a loop module offers: `run`. Contiguous operands go to the loops as they are (contiguous.pxd,
# floats16.pxd), all others through blocks (blocks.pxd), short rows several at once (rows.pxd).
# baseline.pyx adds the table of the loops; it and the modules of the other instruction sets compile
# the same code with other flags.

cdef extern from *:
    """
    #if defined(__FAST_MATH__) || defined(_M_FP_FAST)
        #error "cyrelu: fast math breaks NaN and -0.0; use -fno-fast-math (icx: -fp-model=precise)"
    #endif
    #if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
        #error "cyrelu: the loops need NaN and infinities; use -fno-finite-math-only"
    #endif
    #if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
        #error "cyrelu: float is computed in a wider type; on 32-bit x86 use -msse2 -mfpmath=sse"
    #endif
    """

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cimport cyrelu._loops.tags as tags
from cyrelu._loops.blocks cimport (
    BLOCK_BYTES,
    Loop,
    arrays_of,
    run_one_row,
    store_where,
)
from cyrelu._loops.contiguous cimport run_contiguous_integers
from cyrelu._loops.dtypes cimport DTYPE_COUNT, itemsize
from cyrelu._loops.floats16 cimport run_floats16
from cyrelu._loops.narrow_floats cimport run_by_way_of_float
from cyrelu._loops.operations cimport OPERATION_COUNT, OUT, X, Y, inputs_of
from cyrelu._loops.prelu cimport run_prelu_backward
from cyrelu._loops.rows cimport (
    MAX_TILED_BYTES,
    can_be_tiled,
    run_short_rows,
    run_tiled_rows,
)
from cyrelu._loops.streaming cimport CAN_STREAM, stream_fence
from cyrelu._loops.tags cimport Factors, Floats16, Integers, NarrowFloats, Op, TakesIntegers
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    FACTORS,
    STREAMING_STORES,
    Call,
    LoopModule,
    Operands,
    OperandSet,
    advance,
)
from cyrelu._loops.views cimport View, view


# ---- the loops of narrow floats and of integers; run_floats is in contiguous.pxd

cdef inline void run_narrow_floats(
    Op* op,
    Factors* factors,
    NarrowFloats* dtype,
    const Operands* operands,
    Py_ssize_t n,
    OperandSet arrays,
) noexcept nogil:
    if Op in tags.Selects and NarrowFloats in Floats16:
        run_floats16(op, factors, dtype, operands, n)
    else:
        run_by_way_of_float(op, factors, dtype, operands, n, arrays)


cdef inline void run_integers(
    TakesIntegers* op,
    Factors* factors,
    Integers* dtype,
    const Operands* operands,
    Py_ssize_t n,
    OperandSet arrays,
) noexcept nogil:
    cdef char* out = operands.data[OUT]
    cdef Py_ssize_t item = 2 if Integers is tags.Uint16 else 4 if Integers is tags.Uint32 else 8
    if TakesIntegers is tags.Relu and (Integers in tags.Unsigned or Integers is tags.Bool):
        # No number is below zero: a copy.
        if Integers is tags.Uint8 or Integers is tags.Bool:
            item = 1
        if operands.data[X] != out:
            memcpy(out, operands.data[X], n * item)
    elif TakesIntegers is tags.AddRelu and Integers is tags.Bool:
        (<Either> either)(
            view(operands.data[X], n, 1), view(operands.data[Y], n, 1), view(out, n, 1)
        )
    else:
        run_contiguous_integers(op, factors, dtype, operands, n, arrays)


ctypedef void (*Either)(View x, View y, View out) noexcept nogil


cdef inline void either(
    const uint8_t[::1] x, const uint8_t[::1] y, uint8_t[::1] out
) noexcept nogil:
    """The sum of bools, which is their or."""
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = (x[i] | y[i]) != 0


# ---- from a call to its loop

# By the kind of factors, too: all numbers, the first an array, all arrays.
cdef Loop[OPERATION_COUNT][DTYPE_COUNT][3] LOOPS


cdef inline Loop loop_of(const Call* call, OperandSet arrays) noexcept nogil:
    cdef OperandSet factors = arrays & FACTORS
    cdef int kind = 0 if factors == 0 else 1 if factors & (factors - 1) == 0 else 2
    return LOOPS[call.operation][call.dtype][kind]


cdef void run(
    const Call* call, const Operands* operands, Py_ssize_t n, Py_ssize_t rows
) noexcept nogil:
    cdef OperandSet arrays
    cdef Loop loop
    if call.is_plain and call.flags == 0:
        arrays = inputs_of(call.operation) & ~FACTORS | 1 << OUT
        LOOPS[call.operation][call.dtype][0](NULL, NULL, NULL, operands, n, arrays)
        return
    arrays = arrays_of(call.operation, operands.stride, NULL)
    loop = loop_of(call, arrays)
    if call.where != NULL:
        run_where(loop, call, operands, n, arrays)
    elif call.sums != NULL:
        run_prelu_backward(loop, call, operands, n, rows)
    elif call.rows == NULL or rows == 1:
        run_one_row(loop, call.dtype, operands, n, arrays, call.flags)
    else:
        run_rows(loop, call, operands, n, rows, arrays)
    if call.flags & STREAMING_STORES:
        stream_fence()


cdef inline void run_rows(
    Loop loop,
    const Call* call,
    const Operands* operands,
    Py_ssize_t n,
    Py_ssize_t rows,
    OperandSet arrays,
) noexcept nogil:
    cdef const Py_ssize_t* row_stride = call.rows.stride[0]
    cdef Py_ssize_t bytes = n * itemsize(call.dtype)
    # Rows that are run at once have one slope each as an array.
    cdef OperandSet of_rows = arrays_of(call.operation, operands.stride, row_stride)
    cdef Operands row = operands[0]
    cdef Py_ssize_t _row
    if bytes <= MAX_TILED_BYTES and can_be_tiled(call.dtype, operands, n, row_stride):
        loop = loop_of(call, of_rows)
        run_tiled_rows(loop, call.dtype, operands, n, row_stride, rows, of_rows, call.flags)
    elif 2 * bytes <= BLOCK_BYTES:
        loop = loop_of(call, of_rows)
        run_short_rows(loop, call.dtype, operands, n, row_stride, rows, of_rows)
    else:
        for _row in range(rows):
            run_one_row(loop, call.dtype, &row, n, arrays, call.flags)
            advance(&row, row_stride, 1)


cdef inline void run_where(
    Loop loop, const Call* call, const Operands* operands, Py_ssize_t n, OperandSet arrays
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(call.dtype)
    cdef Py_ssize_t block_n = BLOCK_BYTES // item
    cdef char[BLOCK_BYTES + CACHE_LINE_BYTES] memory
    cdef char* buffer = memory + CACHE_LINE_BYTES - <size_t> memory % CACHE_LINE_BYTES
    cdef Operands block = operands[0]
    cdef const unsigned char* where = call.where
    cdef char* out = operands.data[OUT]
    cdef Py_ssize_t m
    while n > 0:
        m = min(n, block_n)
        block.data[OUT] = buffer
        run_one_row(loop, call.dtype, &block, m, arrays, 0)
        store_where(call.dtype, buffer, out, where, m)
        advance(&block, block.stride, m)
        out += m * item
        where += m
        n -= m


cdef LoopModule LOOP_MODULE
LOOP_MODULE.run = run
LOOP_MODULE.can_stream = CAN_STREAM
loop_module = PyCapsule_New(&LOOP_MODULE, "loop_module", NULL)
