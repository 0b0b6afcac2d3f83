# The kernels for other Cython projects, linked when their modules are imported:
#
#     from cyrelu.kernels cimport relu_f32
#
# Each runs over n elements: nothing for n <= 0. Arrays are contiguous and aligned to their
# elements; out may be x or grad itself. They dispatch, thread and stream as the Python functions
# do, with and without the GIL; inside the caller's own parallel region they use its thread alone.
# Nothing is raised. Names and types are final: docs/cython.md says what that means.

cdef void relu_f32(const float* x, float* out, Py_ssize_t n) noexcept nogil
cdef void relu_f64(const double* x, double* out, Py_ssize_t n) noexcept nogil

cdef void leaky_relu_f32(
    const float* x, float* out, Py_ssize_t n, float negative_slope
) noexcept nogil
cdef void leaky_relu_f64(
    const double* x, double* out, Py_ssize_t n, double negative_slope
) noexcept nogil

cdef void relu_grad_f32(const float* x, float* out, Py_ssize_t n, float at_zero) noexcept nogil
cdef void relu_grad_f64(const double* x, double* out, Py_ssize_t n, double at_zero) noexcept nogil

cdef void leaky_relu_grad_f32(
    const float* x, float* out, Py_ssize_t n, float negative_slope, float at_zero
) noexcept nogil
cdef void leaky_relu_grad_f64(
    const double* x, double* out, Py_ssize_t n, double negative_slope, double at_zero
) noexcept nogil

cdef void relu_backward_f32(
    const float* grad, const float* x, float* out, Py_ssize_t n, float at_zero
) noexcept nogil
cdef void relu_backward_f64(
    const double* grad, const double* x, double* out, Py_ssize_t n, double at_zero
) noexcept nogil

cdef void leaky_relu_backward_f32(
    const float* grad, const float* x, float* out, Py_ssize_t n, float negative_slope, float at_zero
) noexcept nogil
cdef void leaky_relu_backward_f64(
    const double* grad,
    const double* x,
    double* out,
    Py_ssize_t n,
    double negative_slope,
    double at_zero,
) noexcept nogil
