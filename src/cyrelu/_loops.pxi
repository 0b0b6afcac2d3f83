# The loops: one body for every instruction set, included by each _loops_*.pyx.
#
# An operation is four things, in this order:
# - its loop over contiguous arrays, with single numbers as factors: what the compiler vectorises;
# - the same with arrays of factors, where it has any (PReLU);
# - the choice between the two;
# - its pass, which sees to work in place, and stands in the table at the end of this file.
# _run.pxi brings operands that lie otherwise to these.

from cpython.pycapsule cimport PyCapsule_New
from cython cimport floating

# Not "from cyrelu cimport scalar": cythonize would not see that the loops depend on it.
cimport cyrelu.scalar as scalar
from cyrelu._loops cimport (
    AT_ZERO,
    GRAD,
    LEAKY_RELU,
    LEAKY_RELU_BACKWARD,
    LEAKY_RELU_GRAD,
    NEGATIVE_SLOPE,
    ONE_BY_ONE,
    OPERAND_COUNT,
    OUT,
    READ_AHEAD,
    RELU,
    RELU_BACKWARD,
    RELU_GRAD,
    STREAMED,
    X,
    Kernel,
    Loops,
    Manner,
    Operands,
    Operation,
    PassF32,
    PassF64,
)


# A typed memoryview is this struct in C (Cython's own name for it). Declaring it lets a pass make
# views from bare pointers, without a Python object and without the GIL: it fills the struct and
# calls the typed loop through a cast to the very same C signature. Compilers inline that call, so
# the views cost nothing. The fields are those of Cython 3; a loop module that no longer matches
# does not compile.
cdef extern from *:
    ctypedef struct View "__Pyx_memviewslice":
        void* memview
        char* data
        Py_ssize_t[8] shape
        Py_ssize_t[8] strides
        Py_ssize_t[8] suboffsets


cdef inline View strided_view(const void* data, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """A one-dimensional view of n elements, step bytes apart."""
    cdef View result
    result.memview = NULL
    result.data = <char*> data
    result.shape[0] = n
    result.strides[0] = step
    result.suboffsets[0] = -1
    return result


cdef inline View view(const floating* data, Py_ssize_t n) noexcept nogil:
    """A contiguous view of n elements."""
    return strided_view(data, n, sizeof(floating))


# In place, a pass calls its loop with the one pointer for both views. Told so, compilers see that
# each element depends on itself alone; left to compare the pointers of two views, clang and MSVC
# take equal ones for an overlap and fall back to code for one element at a time (4x slower).


# ---- relu

cdef inline void contiguous_relu(const floating[::1] x, floating[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu(x[i])


cdef void relu(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if x == out:
        (<void (*)(View, View) noexcept nogil> contiguous_relu[floating])(
            view(out, n), view(out, n)
        )
    else:
        (<void (*)(View, View) noexcept nogil> contiguous_relu[floating])(view(x, n), view(out, n))


# ---- leaky_relu

cdef inline void contiguous_leaky_relu(
    const floating[::1] x, floating negative_slope, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu(x[i], negative_slope)


cdef inline void contiguous_leaky_relu_arrays(
    const floating[::1] x, const floating[::1] negative_slope, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu(x[i], negative_slope[i])


cdef inline void choose_leaky_relu(
    View x, const floating* negative_slope, View out, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if array_factors:
        (<void (*)(View, View, View) noexcept nogil> contiguous_leaky_relu_arrays[floating])(
            x, view(negative_slope, n), out
        )
    else:
        (<void (*)(View, floating, View) noexcept nogil> contiguous_leaky_relu[floating])(
            x, negative_slope[0], out
        )


cdef void leaky_relu(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if x == out:
        choose_leaky_relu[floating](view(out, n), negative_slope, view(out, n), n, array_factors)
    else:
        choose_leaky_relu[floating](view(x, n), negative_slope, view(out, n), n, array_factors)


# ---- relu_grad

cdef inline void contiguous_relu_grad(
    const floating[::1] x, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_grad(x[i], at_zero)


cdef inline void contiguous_relu_grad_arrays(
    const floating[::1] x, const floating[::1] at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_grad(x[i], at_zero[i])


cdef inline void choose_relu_grad(
    View x, const floating* at_zero, View out, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if array_factors:
        (<void (*)(View, View, View) noexcept nogil> contiguous_relu_grad_arrays[floating])(
            x, view(at_zero, n), out
        )
    else:
        (<void (*)(View, floating, View) noexcept nogil> contiguous_relu_grad[floating])(
            x, at_zero[0], out
        )


cdef void relu_grad(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if x == out:
        choose_relu_grad[floating](view(out, n), at_zero, view(out, n), n, array_factors)
    else:
        choose_relu_grad[floating](view(x, n), at_zero, view(out, n), n, array_factors)


# ---- leaky_relu_grad

cdef inline void contiguous_leaky_relu_grad(
    const floating[::1] x, floating negative_slope, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_grad(x[i], negative_slope, at_zero)


cdef inline void contiguous_leaky_relu_grad_arrays(
    const floating[::1] x,
    const floating[::1] negative_slope,
    const floating[::1] at_zero,
    floating[::1] out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_grad(x[i], negative_slope[i], at_zero[i])


cdef inline void choose_leaky_relu_grad(
    View x,
    const floating* negative_slope,
    const floating* at_zero,
    View out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if array_factors:
        (
            <void (*)(View, View, View, View) noexcept nogil>
            contiguous_leaky_relu_grad_arrays[floating]
        )(x, view(negative_slope, n), view(at_zero, n), out)
    else:
        (
            <void (*)(View, floating, floating, View) noexcept nogil>
            contiguous_leaky_relu_grad[floating]
        )(x, negative_slope[0], at_zero[0], out)


cdef void leaky_relu_grad(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if x == out:
        choose_leaky_relu_grad[floating](
            view(out, n), negative_slope, at_zero, view(out, n), n, array_factors
        )
    else:
        choose_leaky_relu_grad[floating](
            view(x, n), negative_slope, at_zero, view(out, n), n, array_factors
        )


# ---- relu_backward

cdef inline void contiguous_relu_backward(
    const floating[::1] grad, const floating[::1] x, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_backward(grad[i], x[i], at_zero)


cdef inline void contiguous_relu_backward_arrays(
    const floating[::1] grad, const floating[::1] x, const floating[::1] at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_backward(grad[i], x[i], at_zero[i])


cdef inline void choose_relu_backward(
    View grad, View x, const floating* at_zero, View out, Py_ssize_t n, bint array_factors
) noexcept nogil:
    if array_factors:
        (
            <void (*)(View, View, View, View) noexcept nogil>
            contiguous_relu_backward_arrays[floating]
        )(grad, x, view(at_zero, n), out)
    else:
        (<void (*)(View, View, floating, View) noexcept nogil> contiguous_relu_backward[floating])(
            grad, x, at_zero[0], out
        )


cdef void relu_backward(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if grad == out:
        choose_relu_backward[floating](
            view(out, n), view(x, n), at_zero, view(out, n), n, array_factors
        )
    elif x == out:
        choose_relu_backward[floating](
            view(grad, n), view(out, n), at_zero, view(out, n), n, array_factors
        )
    else:
        choose_relu_backward[floating](
            view(grad, n), view(x, n), at_zero, view(out, n), n, array_factors
        )


# ---- leaky_relu_backward

cdef inline void contiguous_leaky_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_backward(grad[i], x[i], negative_slope, at_zero)


cdef inline void contiguous_leaky_relu_backward_arrays(
    const floating[::1] grad,
    const floating[::1] x,
    const floating[::1] negative_slope,
    const floating[::1] at_zero,
    floating[::1] out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_backward(grad[i], x[i], negative_slope[i], at_zero[i])


cdef inline void choose_leaky_relu_backward(
    View grad,
    View x,
    const floating* negative_slope,
    const floating* at_zero,
    View out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if array_factors:
        (
            <void (*)(View, View, View, View, View) noexcept nogil>
            contiguous_leaky_relu_backward_arrays[floating]
        )(grad, x, view(negative_slope, n), view(at_zero, n), out)
    else:
        (
            <void (*)(View, View, floating, floating, View) noexcept nogil>
            contiguous_leaky_relu_backward[floating]
        )(grad, x, negative_slope[0], at_zero[0], out)


cdef void leaky_relu_backward(
    const floating* grad,
    const floating* x,
    const floating* negative_slope,
    const floating* at_zero,
    floating* out,
    Py_ssize_t n,
    bint array_factors,
) noexcept nogil:
    if grad == out:
        choose_leaky_relu_backward[floating](
            view(out, n), view(x, n), negative_slope, at_zero, view(out, n), n, array_factors
        )
    elif x == out:
        choose_leaky_relu_backward[floating](
            view(grad, n), view(out, n), negative_slope, at_zero, view(out, n), n, array_factors
        )
    else:
        choose_leaky_relu_backward[floating](
            view(grad, n), view(x, n), negative_slope, at_zero, view(out, n), n, array_factors
        )


# ---- the table

include "_run.pxi"

cdef Loops LOOPS
LOOPS.run = run
LOOPS.can_stream = CAN_STREAM


cdef void add(
    Operation operation,
    const char* name,
    bint takes_grad,
    bint takes_negative_slope,
    bint takes_at_zero,
    PassF32 f32,
    PassF64 f64,
) noexcept:
    cdef Kernel* kernel = &LOOPS.kernels[operation]
    kernel.name = name
    kernel.takes[GRAD] = takes_grad
    kernel.takes[X] = True
    kernel.takes[NEGATIVE_SLOPE] = takes_negative_slope
    kernel.takes[AT_ZERO] = takes_at_zero
    kernel.takes[OUT] = True
    kernel.f32 = f32
    kernel.f64 = f64


#                               takes: grad, negative_slope, at_zero
add(RELU, b"relu", False, False, False, relu[float], relu[double])
add(LEAKY_RELU, b"leaky_relu", False, True, False, leaky_relu[float], leaky_relu[double])
add(RELU_GRAD, b"relu_grad", False, False, True, relu_grad[float], relu_grad[double])
add(
    LEAKY_RELU_GRAD, b"leaky_relu_grad", False, True, True,
    leaky_relu_grad[float], leaky_relu_grad[double],
)
add(
    RELU_BACKWARD, b"relu_backward", True, False, True,
    relu_backward[float], relu_backward[double],
)
add(
    LEAKY_RELU_BACKWARD, b"leaky_relu_backward", True, True, True,
    leaky_relu_backward[float], leaky_relu_backward[double],
)

loops = PyCapsule_New(&LOOPS, "cyrelu.loops", NULL)
