# Another project's module: every function of the three files that cyrelu installs for it.
# Each function here takes what the ufunc of that name takes, as typed memoryviews.

from cython cimport floating
from cython.parallel cimport prange

from cyrelu cimport kernels, memoryviews, scalar


# ---- scalar.pxd: formulas inside a loop of one's own


def scalar_relu(const floating[::1] x, floating[::1] out):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.relu(x[i])


def scalar_leaky_relu(const floating[::1] x, floating negative_slope, floating[::1] out):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.leaky_relu(x[i], negative_slope)


def scalar_relu_grad(const floating[::1] x, floating at_zero, floating[::1] out):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.relu_grad(x[i], at_zero)


def scalar_leaky_relu_grad(
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.leaky_relu_grad(x[i], negative_slope, at_zero)


def scalar_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating at_zero,
    floating[::1] out,
):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.relu_backward(grad[i], x[i], at_zero)


def scalar_leaky_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = scalar.leaky_relu_backward(grad[i], x[i], negative_slope, at_zero)


# ---- kernels.pxd: linked, on pointers; without the GIL


def kernel_relu(const floating[::1] x, floating[::1] out):
    with nogil:
        if floating is float:
            kernels.relu_f32(&x[0], &out[0], out.shape[0])
        else:
            kernels.relu_f64(&x[0], &out[0], out.shape[0])


def kernel_leaky_relu(const floating[::1] x, floating negative_slope, floating[::1] out):
    with nogil:
        if floating is float:
            kernels.leaky_relu_f32(&x[0], &out[0], out.shape[0], negative_slope)
        else:
            kernels.leaky_relu_f64(&x[0], &out[0], out.shape[0], negative_slope)


def kernel_relu_grad(const floating[::1] x, floating at_zero, floating[::1] out):
    with nogil:
        if floating is float:
            kernels.relu_grad_f32(&x[0], &out[0], out.shape[0], at_zero)
        else:
            kernels.relu_grad_f64(&x[0], &out[0], out.shape[0], at_zero)


def kernel_leaky_relu_grad(
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    with nogil:
        if floating is float:
            kernels.leaky_relu_grad_f32(&x[0], &out[0], out.shape[0], negative_slope, at_zero)
        else:
            kernels.leaky_relu_grad_f64(&x[0], &out[0], out.shape[0], negative_slope, at_zero)


def kernel_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating at_zero,
    floating[::1] out,
):
    with nogil:
        if floating is float:
            kernels.relu_backward_f32(&grad[0], &x[0], &out[0], out.shape[0], at_zero)
        else:
            kernels.relu_backward_f64(&grad[0], &x[0], &out[0], out.shape[0], at_zero)


def kernel_leaky_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    with nogil:
        if floating is float:
            kernels.leaky_relu_backward_f32(
                &grad[0], &x[0], &out[0], out.shape[0], negative_slope, at_zero
            )
        else:
            kernels.leaky_relu_backward_f64(
                &grad[0], &x[0], &out[0], out.shape[0], negative_slope, at_zero
            )


# ---- memoryviews.pxd: linked, on views of one or two dimensions; with the GIL


def memoryview_relu(const floating[::1] x, floating[::1] out):
    memoryviews.relu(x, out)


def memoryview_relu_2d(const floating[:, ::1] x, floating[:, ::1] out):
    memoryviews.relu_2d(x, out)


def memoryview_leaky_relu(const floating[::1] x, floating negative_slope, floating[::1] out):
    memoryviews.leaky_relu(x, out, negative_slope)


def memoryview_leaky_relu_2d(
    const floating[:, ::1] x,
    floating negative_slope,
    floating[:, ::1] out,
):
    memoryviews.leaky_relu_2d(x, out, negative_slope)


def memoryview_relu_grad(const floating[::1] x, floating at_zero, floating[::1] out):
    memoryviews.relu_grad(x, out, at_zero)


def memoryview_relu_grad_2d(const floating[:, ::1] x, floating at_zero, floating[:, ::1] out):
    memoryviews.relu_grad_2d(x, out, at_zero)


def memoryview_leaky_relu_grad(
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    memoryviews.leaky_relu_grad(x, out, negative_slope, at_zero)


def memoryview_leaky_relu_grad_2d(
    const floating[:, ::1] x,
    floating negative_slope,
    floating at_zero,
    floating[:, ::1] out,
):
    memoryviews.leaky_relu_grad_2d(x, out, negative_slope, at_zero)


def memoryview_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating at_zero,
    floating[::1] out,
):
    memoryviews.relu_backward(grad, x, out, at_zero)


def memoryview_relu_backward_2d(
    const floating[:, ::1] grad,
    const floating[:, ::1] x,
    floating at_zero,
    floating[:, ::1] out,
):
    memoryviews.relu_backward_2d(grad, x, out, at_zero)


def memoryview_leaky_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating negative_slope,
    floating at_zero,
    floating[::1] out,
):
    memoryviews.leaky_relu_backward(grad, x, out, negative_slope, at_zero)


def memoryview_leaky_relu_backward_2d(
    const floating[:, ::1] grad,
    const floating[:, ::1] x,
    floating negative_slope,
    floating at_zero,
    floating[:, ::1] out,
):
    memoryviews.leaky_relu_backward_2d(grad, x, out, negative_slope, at_zero)


# ---- what else callers do


def kernel_of_so_many(const float[::1] x, float[::1] out, Py_ssize_t n):
    kernels.relu_f32(&x[0], &out[0], n)


def kernel_in_place(float[::1] x):
    with nogil:
        kernels.relu_f32(&x[0], &x[0], x.shape[0])


def kernel_in_place_on_grad(float[::1] grad, const float[::1] x):
    with nogil:
        kernels.relu_backward_f32(&grad[0], &x[0], &grad[0], x.shape[0], 1)


def kernel_in_own_parallel_region(const float[:, ::1] x, float[:, ::1] out):
    cdef Py_ssize_t i
    for i in prange(x.shape[0], nogil=True, num_threads=2):
        kernels.relu_f32(&x[i, 0], &out[i, 0], x.shape[1])
