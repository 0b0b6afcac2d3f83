# The loop: one body for every operation, dtype and kind of factor.
#
# Cython stamps out a copy of `contiguous` for each of them, which the compiler vectorises. `run`
# is what a loop module offers: contiguous operands go to the loop as they are, all others through
# blocks (blocks.pxd). baseline.pyx adds the operations; it and the modules of the other instruction
# sets compile the same code with other flags.

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

# Not "from cyrelu cimport scalar": cythonize would not see that the loops depend on it.
cimport cyrelu.scalar as scalar
from cyrelu._loops.blocks cimport Loop, elements_to_cache_line, run_in_blocks
from cyrelu._loops.dtypes cimport (
    BFLOAT16,
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
    NEGATIVE_SLOPE,
    OPERAND_COUNT,
    OPERATION_COUNT,
    OUT,
    X,
    Operation,
)
from cyrelu._loops.streaming cimport CAN_STREAM
from cyrelu._loops.tags cimport (
    ArrayFactors,
    Bfloat16,
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
    Op,
    ScalarFactors,
    Signed,
    Tag,
    TakesAtZero,
    TakesFactors,
    TakesGrad,
    TakesIntegers,
    TakesNegativeSlope,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Unsigned,
    apply,
)
from cyrelu._loops.types cimport STREAMING_STORES, LoopFlags, LoopModule, Operands, is_factor
from cyrelu._loops.views cimport View, view


cdef inline void contiguous(
    Op* op,
    Factors* factors,
    const floating[::1] grad,
    const floating[::1] x,
    const floating[::1] negative_slope,
    const floating[::1] at_zero,
    floating[::1] out,
) noexcept nogil:
    """out = op(grad, x, negative_slope, at_zero); operands that op does not take are not read."""
    cdef Py_ssize_t i
    cdef floating g = 0, slope = 0, zero = 0
    if Factors is ScalarFactors:
        if Op in TakesNegativeSlope:
            slope = negative_slope[0]
        if Op in TakesAtZero:
            zero = at_zero[0]
    for i in range(out.shape[0]):
        if Op in TakesGrad:
            g = grad[i]
        if Factors is ArrayFactors:
            if Op in TakesNegativeSlope:
                slope = negative_slope[i]
            if Op in TakesAtZero:
                zero = at_zero[i]
        out[i] = apply(op, g, x[i], slope, zero)


ctypedef void (*Specialisation)(
    Tag* op, Tag* factors, View grad, View x, View negative_slope, View at_zero, View out
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
    cdef View slope = view(operands.data[NEGATIVE_SLOPE], factor_n, item)
    cdef View zero = view(operands.data[AT_ZERO], factor_n, item)
    cdef View out = view(operands.data[OUT], n, item)
    # In place, the loop gets one pointer twice. Told so, compilers see that each element depends
    # on itself alone; left to compare the pointers of two views, clang and MSVC take equal ones for
    # an overlap and fall back to one element at a time (4x slower).
    if operands.data[X] == operands.data[OUT]:
        loop(NULL, NULL, grad, out, slope, zero, out)
    elif Op in TakesGrad and operands.data[GRAD] == operands.data[OUT]:
        loop(NULL, NULL, out, x, slope, zero, out)
    else:
        loop(NULL, NULL, grad, x, slope, zero, out)


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


# ---- integers

ctypedef fused integer:
    int8_t
    int16_t
    int32_t
    int64_t

ctypedef void (*IntegerLoop)(View x, View out) noexcept nogil


cdef inline void relu_integers(const integer[::1] x, integer[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu(x[i])


cdef void run_signed(
    Tag* op, Signed* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    cdef IntegerLoop loop
    cdef Py_ssize_t item
    if Signed is Int8:
        loop, item = <IntegerLoop> relu_integers[int8_t], sizeof(int8_t)
    elif Signed is Int16:
        loop, item = <IntegerLoop> relu_integers[int16_t], sizeof(int16_t)
    elif Signed is Int32:
        loop, item = <IntegerLoop> relu_integers[int32_t], sizeof(int32_t)
    else:
        loop, item = <IntegerLoop> relu_integers[int64_t], sizeof(int64_t)
    cdef View x = view(operands.data[X], n, item)
    cdef View out = view(operands.data[OUT], n, item)
    if operands.data[X] == operands.data[OUT]:
        loop(out, out)
    else:
        loop(x, out)


cdef void run_unsigned(
    Tag* op, Unsigned* dtype, const Operands* operands, Py_ssize_t n, bint array_factors
) noexcept nogil:
    """No number is below zero: a copy."""
    cdef Py_ssize_t item
    if Unsigned is Uint8:
        item = sizeof(uint8_t)
    elif Unsigned is Uint16:
        item = sizeof(uint16_t)
    elif Unsigned is Uint32:
        item = sizeof(uint32_t)
    else:
        item = sizeof(uint64_t)
    if operands.data[X] != operands.data[OUT]:
        memcpy(operands.data[OUT], operands.data[X], n * item)


# ---- the table

cdef Loop[OPERATION_COUNT][DTYPE_COUNT] LOOPS


cdef int add(Op* op, Operation operation) except -1:
    LOOPS[operation][FLOAT32] = <Loop> run_contiguous[Op, Float32]
    LOOPS[operation][FLOAT64] = <Loop> run_contiguous[Op, Float64]
    LOOPS[operation][FLOAT16] = <Loop> run_contiguous_16[Op, Float16]
    LOOPS[operation][BFLOAT16] = <Loop> run_contiguous_16[Op, Bfloat16]
    if Op in TakesIntegers:
        LOOPS[operation][INT8] = <Loop> run_signed[Int8]
        LOOPS[operation][INT16] = <Loop> run_signed[Int16]
        LOOPS[operation][INT32] = <Loop> run_signed[Int32]
        LOOPS[operation][INT64] = <Loop> run_signed[Int64]
        LOOPS[operation][UINT8] = <Loop> run_unsigned[Uint8]
        LOOPS[operation][UINT16] = <Loop> run_unsigned[Uint16]
        LOOPS[operation][UINT32] = <Loop> run_unsigned[Uint32]
        LOOPS[operation][UINT64] = <Loop> run_unsigned[Uint64]
    return 0


cdef void run(
    Operation operation, Dtype dtype, const Operands* operands, Py_ssize_t n, LoopFlags flags
) noexcept nogil:
    cdef Loop loop = LOOPS[operation][dtype]
    cdef Py_ssize_t item = itemsize(dtype)
    cdef bint array_factors = has_array_factors(operands)
    cdef Py_ssize_t head
    if flags & STREAMING_STORES:
        head = min(n, elements_to_cache_line(operands.data[OUT], item))
        run_in_blocks(loop, dtype, operands, 0, head, array_factors, 0)
        run_in_blocks(loop, dtype, operands, head, n, array_factors, flags)
    elif flags == 0 and are_contiguous(operands, item, array_factors):
        loop(NULL, NULL, operands, n, array_factors)
    else:
        run_in_blocks(loop, dtype, operands, 0, n, array_factors, flags)


cdef inline bint has_array_factors(const Operands* operands) noexcept nogil:
    cdef int k
    for k in range(FIRST_FACTOR, OUT):
        if operands.stride[k] != 0:
            return True
    return False


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


cdef LoopModule LOOP_MODULE
LOOP_MODULE.run = run
LOOP_MODULE.can_stream = CAN_STREAM
loop_module = PyCapsule_New(&LOOP_MODULE, "loop_module", NULL)
