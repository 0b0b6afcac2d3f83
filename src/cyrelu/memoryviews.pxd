# The kernels over contiguous typed memoryviews, float or double, of one dimension or (_2d) two:
#
#     from cyrelu cimport memoryviews
#     memoryviews.leaky_relu(x, out, 0.1)
#
# Compiled into the caller's module, which links kernels.pxd; with and without the GIL. Shapes that
# differ raise a ValueError that names the function, and leave out as it is.

from cython cimport floating

from cyrelu cimport kernels


cdef inline int refuse(const char* function) except -1 with gil:
    raise ValueError(f"{function.decode()}: the views differ in shape")


cdef inline int relu(const floating[::1] x, floating[::1] out) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if x.shape[0] != out.shape[0]:
        return refuse("relu")
    if n > 0:
        if floating is float:
            kernels.relu_f32(&x[0], &out[0], n)
        else:
            kernels.relu_f64(&x[0], &out[0], n)
    return 0


cdef inline int relu_2d(const floating[:, ::1] x, floating[:, ::1] out) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if x.shape[0] != out.shape[0] or x.shape[1] != out.shape[1]:
        return refuse("relu_2d")
    if n > 0:
        if floating is float:
            kernels.relu_f32(&x[0, 0], &out[0, 0], n)
        else:
            kernels.relu_f64(&x[0, 0], &out[0, 0], n)
    return 0


cdef inline int leaky_relu(
    const floating[::1] x, floating[::1] out, floating negative_slope
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if x.shape[0] != out.shape[0]:
        return refuse("leaky_relu")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_f32(&x[0], &out[0], n, negative_slope)
        else:
            kernels.leaky_relu_f64(&x[0], &out[0], n, negative_slope)
    return 0


cdef inline int leaky_relu_2d(
    const floating[:, ::1] x, floating[:, ::1] out, floating negative_slope
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if x.shape[0] != out.shape[0] or x.shape[1] != out.shape[1]:
        return refuse("leaky_relu_2d")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_f32(&x[0, 0], &out[0, 0], n, negative_slope)
        else:
            kernels.leaky_relu_f64(&x[0, 0], &out[0, 0], n, negative_slope)
    return 0


cdef inline int relu_grad(
    const floating[::1] x, floating[::1] out, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if x.shape[0] != out.shape[0]:
        return refuse("relu_grad")
    if n > 0:
        if floating is float:
            kernels.relu_grad_f32(&x[0], &out[0], n, at_zero)
        else:
            kernels.relu_grad_f64(&x[0], &out[0], n, at_zero)
    return 0


cdef inline int relu_grad_2d(
    const floating[:, ::1] x, floating[:, ::1] out, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if x.shape[0] != out.shape[0] or x.shape[1] != out.shape[1]:
        return refuse("relu_grad_2d")
    if n > 0:
        if floating is float:
            kernels.relu_grad_f32(&x[0, 0], &out[0, 0], n, at_zero)
        else:
            kernels.relu_grad_f64(&x[0, 0], &out[0, 0], n, at_zero)
    return 0


cdef inline int leaky_relu_grad(
    const floating[::1] x, floating[::1] out, floating negative_slope, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if x.shape[0] != out.shape[0]:
        return refuse("leaky_relu_grad")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_grad_f32(&x[0], &out[0], n, negative_slope, at_zero)
        else:
            kernels.leaky_relu_grad_f64(&x[0], &out[0], n, negative_slope, at_zero)
    return 0


cdef inline int leaky_relu_grad_2d(
    const floating[:, ::1] x, floating[:, ::1] out, floating negative_slope, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if x.shape[0] != out.shape[0] or x.shape[1] != out.shape[1]:
        return refuse("leaky_relu_grad_2d")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_grad_f32(&x[0, 0], &out[0, 0], n, negative_slope, at_zero)
        else:
            kernels.leaky_relu_grad_f64(&x[0, 0], &out[0, 0], n, negative_slope, at_zero)
    return 0


cdef inline int relu_backward(
    const floating[::1] grad, const floating[::1] x, floating[::1] out, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if grad.shape[0] != out.shape[0] or x.shape[0] != out.shape[0]:
        return refuse("relu_backward")
    if n > 0:
        if floating is float:
            kernels.relu_backward_f32(&grad[0], &x[0], &out[0], n, at_zero)
        else:
            kernels.relu_backward_f64(&grad[0], &x[0], &out[0], n, at_zero)
    return 0


cdef inline int relu_backward_2d(
    const floating[:, ::1] grad, const floating[:, ::1] x, floating[:, ::1] out, floating at_zero
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if (
        grad.shape[0] != out.shape[0]
        or grad.shape[1] != out.shape[1]
        or x.shape[0] != out.shape[0]
        or x.shape[1] != out.shape[1]
    ):
        return refuse("relu_backward_2d")
    if n > 0:
        if floating is float:
            kernels.relu_backward_f32(&grad[0, 0], &x[0, 0], &out[0, 0], n, at_zero)
        else:
            kernels.relu_backward_f64(&grad[0, 0], &x[0, 0], &out[0, 0], n, at_zero)
    return 0


cdef inline int leaky_relu_backward(
    const floating[::1] grad,
    const floating[::1] x,
    floating[::1] out,
    floating negative_slope,
    floating at_zero,
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0]
    if grad.shape[0] != out.shape[0] or x.shape[0] != out.shape[0]:
        return refuse("leaky_relu_backward")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_backward_f32(&grad[0], &x[0], &out[0], n, negative_slope, at_zero)
        else:
            kernels.leaky_relu_backward_f64(&grad[0], &x[0], &out[0], n, negative_slope, at_zero)
    return 0


cdef inline int leaky_relu_backward_2d(
    const floating[:, ::1] grad,
    const floating[:, ::1] x,
    floating[:, ::1] out,
    floating negative_slope,
    floating at_zero,
) except -1 nogil:
    cdef Py_ssize_t n = out.shape[0] * out.shape[1]
    if (
        grad.shape[0] != out.shape[0]
        or grad.shape[1] != out.shape[1]
        or x.shape[0] != out.shape[0]
        or x.shape[1] != out.shape[1]
    ):
        return refuse("leaky_relu_backward_2d")
    if n > 0:
        if floating is float:
            kernels.leaky_relu_backward_f32(
                &grad[0, 0], &x[0, 0], &out[0, 0], n, negative_slope, at_zero
            )
        else:
            kernels.leaky_relu_backward_f64(
                &grad[0, 0], &x[0, 0], &out[0, 0], n, negative_slope, at_zero
            )
    return 0
