# The loop: one body for every operation, dtype and kind of factor.
#
# Cython stamps out a copy of `contiguous` for each of them, which the compiler vectorises. What a
# loop module offers are `run` and `run_rows`: contiguous operands go to the loop as they are, all
# others through blocks (blocks.pxd), short rows several at once (rows.pxd). baseline.pyx adds the
# operations; it and the modules of the other instruction sets compile the same code with other
# flags.

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
from cython cimport floating
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyrelu._loops.blocks cimport BLOCK_BYTES, Loop, run_one_row, store_where
from cyrelu._loops.dtypes cimport (
    BFLOAT16,
    BOOL,
    DTYPE_COUNT,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Dtype,
    itemsize,
)
from cyrelu._loops.floats16 cimport run_floats16
from cyrelu._loops.operations cimport (
    AT_ZERO,
    FIRST_FACTOR,
    GRAD,
    LEAKY_RELU_BACKWARD,
    NEGATIVE_SLOPE,
    OPERATION_COUNT,
    OUT,
    X,
    Y,
    Operation,
)
from cyrelu._loops.prelu cimport run_prelu_backward as run_prelu_backward_with
from cyrelu._loops.rows cimport (
    MAX_TILED_BYTES,
    can_be_tiled,
    run_short_rows,
    run_tiled_rows,
)
from cyrelu._loops.streaming cimport CAN_STREAM, stream_fence
from cyrelu._loops.tags cimport (
    AddRelu,
    ArrayFactors,
    Bfloat16,
    Bool,
    Factors,
    Float16,
    Float32,
    Float64,
    Floats,
    Floats16,
    Int8,
    Int16,
    Int32,
    Int64,
    Integers,
    Op,
    Relu,
    ScalarFactors,
    Tag,
    TakesAtZero,
    TakesFactors,
    TakesGrad,
    TakesIntegers,
    TakesNegativeSlope,
    TakesY,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Unsigned,
    apply,
    apply_to_integers,
    integer,
)
from cyrelu._loops.types cimport (
    CACHE_LINE_BYTES,
    STREAMING_STORES,
    LoopFlags,
    LoopModule,
    Operands,
    advance,
)
from cyrelu._loops.views cimport View, view


cdef inline void contiguous(
    Op* op,
    Factors* factors,
    const floating[::1] grad,
    const floating[::1] x,
    const floating[::1] y,
    const floating[::1] negative_slope,
    const floating[::1] at_zero,
    floating[::1] out,
) noexcept nogil:
    """out = op(grad, x, y, negative_slope, at_zero); what op does not take is not read."""
    cdef Py_ssize_t i
    cdef floating g = 0, addend = 0, slope = 0, zero = 0
    if Factors is ScalarFactors:
        if Op in TakesNegativeSlope:
            slope = negative_slope[0]
        if Op in TakesAtZero:
            zero = at_zero[0]
    for i in range(out.shape[0]):
        if Op in TakesGrad:
            g = grad[i]
        if Op in TakesY:
            addend = y[i]
        if Factors is ArrayFactors:
            if Op in TakesNegativeSlope:
                slope = negative_slope[i]
            if Op in TakesAtZero:
                zero = at_zero[i]
        out[i] = apply(op, g, x[i], addend, slope, zero)


ctypedef void (*Specialisation)(
    Tag* op, Tag* factors, View grad, View x, View y, View negative_slope, View at_zero, View out
) noexcept nogil


cdef inline void call_on_views(
    Op* op, Factors* factors, Floats* dtype, const Operands* operands, Py_ssize_t n
) noexcept nogil:
    """Call the loop of this dtype on typed memoryviews of the operands."""
    cdef Specialisation loop
    cdef Py_ssize_t item
    if Floats is Float32:
        loop, item = <Specialisation> contiguous[Op, Factors, float], sizeof(float)
    else:
        loop, item = <Specialisation> contiguous[Op, Factors, double], sizeof(double)
    cdef Py_ssize_t factor_n = 1 if Factors is ScalarFactors else n
    cdef View grad = view(operands.data[GRAD], n, item)
    cdef View x = view(operands.data[X], n, item)
    cdef View y = view(operands.data[Y], n, item)
    cdef View slope = view(operands.data[NEGATIVE_SLOPE], factor_n, item)
    cdef View zero = view(operands.data[AT_ZERO], factor_n, item)
    cdef View out = view(operands.data[OUT], n, item)
    # In place, the loop gets one pointer twice. Told so, compilers see that each element depends
    # on itself alone; left to compare the pointers of two views, clang and MSVC take equal ones for
    # an overlap and fall back to one element at a time (4x slower).
    if operands.data[X] == operands.data[OUT]:
        loop(NULL, NULL, grad, out, y, slope, zero, out)
    elif Op in TakesGrad and operands.data[GRAD] == operands.data[OUT]:
        loop(NULL, NULL, out, x, y, slope, zero, out)
    elif Op in TakesY and operands.data[Y] == operands.data[OUT]:
        loop(NULL, NULL, grad, x, out, slope, zero, out)
    else:
        loop(NULL, NULL, grad, x, y, slope, zero, out)


cdef void run_contiguous(
    Op* op, Floats* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if Op in TakesFactors:
        if array_factors:
            call_on_views[Op, ArrayFactors, Floats](NULL, NULL, NULL, operands, n)
            return
    call_on_views[Op, ScalarFactors, Floats](NULL, NULL, NULL, operands, n)


cdef void run_contiguous_16(
    Op* op, Floats16* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if Op in TakesFactors:
        if array_factors:
            run_floats16[Op, ArrayFactors, Floats16](NULL, NULL, NULL, operands, n)
            return
    run_floats16[Op, ScalarFactors, Floats16](NULL, NULL, NULL, operands, n)


# ---- bool and integers

ctypedef void (*IntegerLoop)(Tag* op, View x, View y, View out) noexcept nogil
ctypedef void (*BoolLoop)(View x, View y, View out) noexcept nogil


cdef inline void integers(
    TakesIntegers* op, const integer[::1] x, const integer[::1] y, integer[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = apply_to_integers(op, x[i], y[i] if TakesIntegers in TakesY else 0)


cdef inline void either(
    const uint8_t[::1] x, const uint8_t[::1] y, uint8_t[::1] out
) noexcept nogil:
    """The sum of bools, which is their or."""
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = (x[i] | y[i]) != 0


cdef void run_integers(
    TakesIntegers* op, Integers* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    cdef IntegerLoop loop
    cdef Py_ssize_t item
    if Integers is Int8:
        loop, item = <IntegerLoop> integers[TakesIntegers, int8_t], sizeof(int8_t)
    elif Integers is Int16:
        loop, item = <IntegerLoop> integers[TakesIntegers, int16_t], sizeof(int16_t)
    elif Integers is Int32:
        loop, item = <IntegerLoop> integers[TakesIntegers, int32_t], sizeof(int32_t)
    elif Integers is Int64:
        loop, item = <IntegerLoop> integers[TakesIntegers, int64_t], sizeof(int64_t)
    elif Integers is Uint16:
        loop, item = <IntegerLoop> integers[TakesIntegers, uint16_t], sizeof(uint16_t)
    elif Integers is Uint32:
        loop, item = <IntegerLoop> integers[TakesIntegers, uint32_t], sizeof(uint32_t)
    elif Integers is Uint64:
        loop, item = <IntegerLoop> integers[TakesIntegers, uint64_t], sizeof(uint64_t)
    else:
        loop, item = <IntegerLoop> integers[TakesIntegers, uint8_t], sizeof(uint8_t)
    cdef View x = view(operands.data[X], n, item)
    cdef View y = view(operands.data[Y], n, item)
    cdef View out = view(operands.data[OUT], n, item)
    if TakesIntegers is Relu and (Integers in Unsigned or Integers is Bool):
        # No number is below zero: a copy.
        if operands.data[X] != operands.data[OUT]:
            memcpy(operands.data[OUT], operands.data[X], n * item)
    elif TakesIntegers is AddRelu and Integers is Bool:
        (<BoolLoop> either)(x, y, out)
    elif operands.data[X] == operands.data[OUT]:  # as above
        loop(NULL, out, y, out)
    elif TakesIntegers in TakesY and operands.data[Y] == operands.data[OUT]:
        loop(NULL, x, out, out)
    else:
        loop(NULL, x, y, out)


# ---- the table

cdef Loop[OPERATION_COUNT][DTYPE_COUNT] LOOPS


cdef int add(Op* op, Operation operation) except -1:
    LOOPS[operation][FLOAT32] = <Loop> run_contiguous[Op, Float32]
    LOOPS[operation][FLOAT64] = <Loop> run_contiguous[Op, Float64]
    LOOPS[operation][FLOAT16] = <Loop> run_contiguous_16[Op, Float16]
    LOOPS[operation][BFLOAT16] = <Loop> run_contiguous_16[Op, Bfloat16]
    if Op in TakesIntegers:
        LOOPS[operation][BOOL] = <Loop> run_integers[Op, Bool]
        LOOPS[operation][INT8] = <Loop> run_integers[Op, Int8]
        LOOPS[operation][INT16] = <Loop> run_integers[Op, Int16]
        LOOPS[operation][INT32] = <Loop> run_integers[Op, Int32]
        LOOPS[operation][INT64] = <Loop> run_integers[Op, Int64]
        LOOPS[operation][UINT8] = <Loop> run_integers[Op, Uint8]
        LOOPS[operation][UINT16] = <Loop> run_integers[Op, Uint16]
        LOOPS[operation][UINT32] = <Loop> run_integers[Op, Uint32]
        LOOPS[operation][UINT64] = <Loop> run_integers[Op, Uint64]
    return 0


cdef void run(
    Operation operation, Dtype dtype, const Operands* operands, Py_ssize_t n, LoopFlags flags
) noexcept nogil:
    cdef bint array_factors = has_array_factors(operands.stride)
    run_one_row(LOOPS[operation][dtype], dtype, operands, n, array_factors, flags)
    if flags & STREAMING_STORES:
        stream_fence()


cdef void run_rows(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    LoopFlags flags,
) noexcept nogil:
    cdef Loop loop = LOOPS[operation][dtype]
    cdef bint array_factors = has_array_factors(operands.stride)
    cdef bint factors_of_rows = array_factors or has_array_factors(row_stride)
    cdef Py_ssize_t bytes = n * itemsize(dtype)
    cdef Operands row = operands[0]
    cdef Py_ssize_t _row
    if bytes <= MAX_TILED_BYTES and can_be_tiled(dtype, operands, n, row_stride):
        run_tiled_rows(loop, dtype, operands, n, row_stride, rows, factors_of_rows, flags)
    elif 2 * bytes <= BLOCK_BYTES:
        run_short_rows(loop, dtype, operands, n, row_stride, rows, factors_of_rows)
    else:
        for _row in range(rows):
            run_one_row(loop, dtype, &row, n, array_factors, flags)
            advance(&row, row_stride, 1)
    if flags & STREAMING_STORES:
        stream_fence()


cdef void run_where(
    Operation operation,
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const unsigned char* where,
) noexcept nogil:
    cdef bint array_factors = has_array_factors(operands.stride)
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Py_ssize_t block_n = BLOCK_BYTES // item
    cdef char[BLOCK_BYTES + CACHE_LINE_BYTES] memory
    cdef char* buffer = memory + CACHE_LINE_BYTES - <size_t> memory % CACHE_LINE_BYTES
    cdef Operands block = operands[0]
    cdef char* out = operands.data[OUT]
    cdef Py_ssize_t m
    while n > 0:
        m = min(n, block_n)
        block.data[OUT] = buffer
        run_one_row(LOOPS[operation][dtype], dtype, &block, m, array_factors, 0)
        store_where(dtype, buffer, out, where, m)
        advance(&block, block.stride, m)
        out += m * item
        where += m
        n -= m


cdef void run_prelu_backward(
    Dtype dtype,
    const Operands* operands,
    Py_ssize_t n,
    const Py_ssize_t* row_stride,
    Py_ssize_t rows,
    double* sums,
    double* errors,
) noexcept nogil:
    cdef Loop loop = LOOPS[LEAKY_RELU_BACKWARD][dtype]
    run_prelu_backward_with(loop, dtype, operands, n, row_stride, rows, sums, errors)


cdef inline bint has_array_factors(const Py_ssize_t* stride) noexcept nogil:
    cdef int k
    for k in range(FIRST_FACTOR, OUT):
        if stride[k] != 0:
            return True
    return False


cdef LoopModule LOOP_MODULE
LOOP_MODULE.run = run
LOOP_MODULE.run_rows = run_rows
LOOP_MODULE.run_where = run_where
LOOP_MODULE.run_prelu_backward = run_prelu_backward
LOOP_MODULE.can_stream = CAN_STREAM
loop_module = PyCapsule_New(&LOOP_MODULE, "loop_module", NULL)
