# The loops: one body for every instruction set, included by each _loops_*.pyx.
#
# An operation is four things, in this order: its contiguous loop (scalar factors, what the
# compiler vectorises), its strided loop (anything that broadcasts: PReLU slopes, slices,
# transposed blocks), the entry that chooses between the two, and its row in the table below.

from cpython.pycapsule cimport PyCapsule_New
from cython cimport floating

# Not "from cyrelu cimport scalar": cythonize would not see that the loops depend on it.
cimport cyrelu.scalar as scalar
from cyrelu._loops cimport (
    LEAKY_RELU,
    LEAKY_RELU_BACKWARD,
    LEAKY_RELU_GRAD,
    OPERATION_COUNT,
    RELU,
    RELU_BACKWARD,
    RELU_GRAD,
    Kernel,
)


# A typed memoryview is this struct in C (Cython's own name for it). Declaring it lets a loop's
# entry make views from bare pointers, without a Python object and without the GIL: it fills the
# struct and calls the typed loop through a cast to the very same C signature. Compilers inline
# that call, so the views cost nothing. The fields are those of Cython 3; a loop module that no
# longer matches does not compile.
cdef extern from *:
    ctypedef struct View "__Pyx_memviewslice":
        void* memview
        char* data
        Py_ssize_t[8] shape
        Py_ssize_t[8] strides
        Py_ssize_t[8] suboffsets


cdef inline View view(char* data, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """A one-dimensional view of n elements, step bytes apart."""
    cdef View result
    result.memview = NULL
    result.data = data
    result.shape[0] = n
    result.strides[0] = step
    result.suboffsets[0] = -1
    return result


# ---- relu

cdef inline void contiguous_relu(const floating[::1] x, floating[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu(x[i])


cdef inline void strided_relu(const floating[:] x, floating[:] out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu(x[i])


cdef inline void relu(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if steps[0] == item and steps[1] == item:
        (<void (*)(View, View) noexcept nogil> contiguous_relu[floating])(
            view(args[0], n, item), view(args[1], n, item)
        )
    else:
        (<void (*)(View, View) noexcept nogil> strided_relu[floating])(
            view(args[0], n, steps[0]), view(args[1], n, steps[1])
        )


# ---- leaky_relu

cdef inline void contiguous_leaky_relu(
    const floating[::1] x, floating negative_slope, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu(x[i], negative_slope)


cdef inline void strided_leaky_relu(
    const floating[:] x, const floating[:] negative_slope, floating[:] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu(x[i], negative_slope[i])


cdef inline void leaky_relu(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if steps[0] == item and steps[1] == 0 and steps[2] == item:
        (<void (*)(View, floating, View) noexcept nogil> contiguous_leaky_relu[floating])(
            view(args[0], n, item),
            (<floating*> args[1])[0],
            view(args[2], n, item),
        )
    else:
        (<void (*)(View, View, View) noexcept nogil> strided_leaky_relu[floating])(
            view(args[0], n, steps[0]),
            view(args[1], n, steps[1]),
            view(args[2], n, steps[2]),
        )


# ---- relu_grad

cdef inline void contiguous_relu_grad(
    const floating[::1] x, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_grad(x[i], at_zero)


cdef inline void strided_relu_grad(
    const floating[:] x, const floating[:] at_zero, floating[:] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_grad(x[i], at_zero[i])


cdef inline void relu_grad(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if steps[0] == item and steps[1] == 0 and steps[2] == item:
        (<void (*)(View, floating, View) noexcept nogil> contiguous_relu_grad[floating])(
            view(args[0], n, item),
            (<floating*> args[1])[0],
            view(args[2], n, item),
        )
    else:
        (<void (*)(View, View, View) noexcept nogil> strided_relu_grad[floating])(
            view(args[0], n, steps[0]),
            view(args[1], n, steps[1]),
            view(args[2], n, steps[2]),
        )


# ---- leaky_relu_grad

cdef inline void contiguous_leaky_relu_grad(
    const floating[::1] x, floating negative_slope, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_grad(x[i], negative_slope, at_zero)


cdef inline void strided_leaky_relu_grad(
    const floating[:] x,
    const floating[:] negative_slope,
    const floating[:] at_zero,
    floating[:] out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_grad(x[i], negative_slope[i], at_zero[i])


cdef inline void leaky_relu_grad(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if steps[0] == item and steps[1] == 0 and steps[2] == 0 and steps[3] == item:
        (
            <void (*)(View, floating, floating, View) noexcept nogil>
            contiguous_leaky_relu_grad[floating]
        )(
            view(args[0], n, item),
            (<floating*> args[1])[0],
            (<floating*> args[2])[0],
            view(args[3], n, item),
        )
    else:
        (<void (*)(View, View, View, View) noexcept nogil> strided_leaky_relu_grad[floating])(
            view(args[0], n, steps[0]),
            view(args[1], n, steps[1]),
            view(args[2], n, steps[2]),
            view(args[3], n, steps[3]),
        )


# ---- relu_backward

cdef inline void contiguous_relu_backward(
    const floating[::1] grad, const floating[::1] x, floating at_zero, floating[::1] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_backward(grad[i], x[i], at_zero)


cdef inline void strided_relu_backward(
    const floating[:] grad, const floating[:] x, const floating[:] at_zero, floating[:] out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.relu_backward(grad[i], x[i], at_zero[i])


cdef inline void relu_backward(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if steps[0] == item and steps[1] == item and steps[2] == 0 and steps[3] == item:
        (<void (*)(View, View, floating, View) noexcept nogil> contiguous_relu_backward[floating])(
            view(args[0], n, item),
            view(args[1], n, item),
            (<floating*> args[2])[0],
            view(args[3], n, item),
        )
    else:
        (<void (*)(View, View, View, View) noexcept nogil> strided_relu_backward[floating])(
            view(args[0], n, steps[0]),
            view(args[1], n, steps[1]),
            view(args[2], n, steps[2]),
            view(args[3], n, steps[3]),
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


cdef inline void strided_leaky_relu_backward(
    const floating[:] grad,
    const floating[:] x,
    const floating[:] negative_slope,
    const floating[:] at_zero,
    floating[:] out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        out[i] = scalar.leaky_relu_backward(grad[i], x[i], negative_slope[i], at_zero[i])


cdef inline void leaky_relu_backward(
    char** args, const Py_ssize_t* steps, Py_ssize_t n, floating* dtype
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(floating)
    if (
        steps[0] == item and steps[1] == item
        and steps[2] == 0 and steps[3] == 0 and steps[4] == item
    ):
        (
            <void (*)(View, View, floating, floating, View) noexcept nogil>
            contiguous_leaky_relu_backward[floating]
        )(
            view(args[0], n, item),
            view(args[1], n, item),
            (<floating*> args[2])[0],
            (<floating*> args[3])[0],
            view(args[4], n, item),
        )
    else:
        (
            <void (*)(View, View, View, View, View) noexcept nogil>
            strided_leaky_relu_backward[floating]
        )(
            view(args[0], n, steps[0]),
            view(args[1], n, steps[1]),
            view(args[2], n, steps[2]),
            view(args[3], n, steps[3]),
            view(args[4], n, steps[4]),
        )


# ---- the table

cdef void relu_f32(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu[float](args, steps, n, NULL)


cdef void relu_f64(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu[double](args, steps, n, NULL)


cdef void leaky_relu_f32(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    leaky_relu[float](args, steps, n, NULL)


cdef void leaky_relu_f64(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    leaky_relu[double](args, steps, n, NULL)


cdef void relu_grad_f32(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu_grad[float](args, steps, n, NULL)


cdef void relu_grad_f64(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu_grad[double](args, steps, n, NULL)


cdef void leaky_relu_grad_f32(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    leaky_relu_grad[float](args, steps, n, NULL)


cdef void leaky_relu_grad_f64(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    leaky_relu_grad[double](args, steps, n, NULL)


cdef void relu_backward_f32(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu_backward[float](args, steps, n, NULL)


cdef void relu_backward_f64(char** args, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    relu_backward[double](args, steps, n, NULL)


cdef void leaky_relu_backward_f32(
    char** args, const Py_ssize_t* steps, Py_ssize_t n
) noexcept nogil:
    leaky_relu_backward[float](args, steps, n, NULL)


cdef void leaky_relu_backward_f64(
    char** args, const Py_ssize_t* steps, Py_ssize_t n
) noexcept nogil:
    leaky_relu_backward[double](args, steps, n, NULL)


cdef Kernel[OPERATION_COUNT] TABLE
TABLE[RELU] = Kernel(
    name=b"relu", takes_grad=False, takes_negative_slope=False, takes_at_zero=False,
    f32=relu_f32, f64=relu_f64,
)
TABLE[LEAKY_RELU] = Kernel(
    name=b"leaky_relu", takes_grad=False, takes_negative_slope=True, takes_at_zero=False,
    f32=leaky_relu_f32, f64=leaky_relu_f64,
)
TABLE[RELU_GRAD] = Kernel(
    name=b"relu_grad", takes_grad=False, takes_negative_slope=False, takes_at_zero=True,
    f32=relu_grad_f32, f64=relu_grad_f64,
)
TABLE[LEAKY_RELU_GRAD] = Kernel(
    name=b"leaky_relu_grad", takes_grad=False, takes_negative_slope=True, takes_at_zero=True,
    f32=leaky_relu_grad_f32, f64=leaky_relu_grad_f64,
)
TABLE[RELU_BACKWARD] = Kernel(
    name=b"relu_backward", takes_grad=True, takes_negative_slope=False, takes_at_zero=True,
    f32=relu_backward_f32, f64=relu_backward_f64,
)
TABLE[LEAKY_RELU_BACKWARD] = Kernel(
    name=b"leaky_relu_backward", takes_grad=True, takes_negative_slope=True, takes_at_zero=True,
    f32=leaky_relu_backward_f32, f64=leaky_relu_backward_f64,
)

table = PyCapsule_New(TABLE, "cyrelu.loops", NULL)
