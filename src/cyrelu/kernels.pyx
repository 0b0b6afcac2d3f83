# The kernels for other Cython projects: the dispatcher under plain names and pointers. What they
# promise stands in kernels.pxd; that the names stay, in tests/downstream/kernels_abi.txt.

from libc.string cimport memset

from cyrelu._dispatch.dispatch cimport run
from cyrelu._loops.dtypes cimport FLOAT32, FLOAT64, Dtype, itemsize
from cyrelu._loops.operations cimport (
    AT_ZERO,
    GRAD,
    LEAKY_RELU,
    LEAKY_RELU_BACKWARD,
    LEAKY_RELU_GRAD,
    NEGATIVE_SLOPE,
    OUT,
    RELU,
    RELU_BACKWARD,
    RELU_GRAD,
    X,
    Operation,
)
from cyrelu._loops.types cimport Operands


cdef inline void call(
    Operation operation,
    Dtype dtype,
    const void* grad,
    const void* x,
    const void* negative_slope,
    const void* at_zero,
    void* out,
    Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t item = itemsize(dtype)
    cdef Operands operands
    memset(&operands, 0, sizeof(operands))
    operands.data[GRAD] = <char*> grad
    operands.data[X] = <char*> x
    operands.data[NEGATIVE_SLOPE] = <char*> negative_slope
    operands.data[AT_ZERO] = <char*> at_zero
    operands.data[OUT] = <char*> out
    operands.stride[GRAD] = item if grad != NULL else 0
    operands.stride[X] = item if x != NULL else 0
    operands.stride[OUT] = item
    run(operation, dtype, &operands, n, False)


cdef void relu_f32(const float* x, float* out, Py_ssize_t n) noexcept nogil:
    call(RELU, FLOAT32, NULL, x, NULL, NULL, out, n)


cdef void relu_f64(const double* x, double* out, Py_ssize_t n) noexcept nogil:
    call(RELU, FLOAT64, NULL, x, NULL, NULL, out, n)


cdef void leaky_relu_f32(
    const float* x, float* out, Py_ssize_t n, float negative_slope
) noexcept nogil:
    call(LEAKY_RELU, FLOAT32, NULL, x, &negative_slope, NULL, out, n)


cdef void leaky_relu_f64(
    const double* x, double* out, Py_ssize_t n, double negative_slope
) noexcept nogil:
    call(LEAKY_RELU, FLOAT64, NULL, x, &negative_slope, NULL, out, n)


cdef void relu_grad_f32(const float* x, float* out, Py_ssize_t n, float at_zero) noexcept nogil:
    call(RELU_GRAD, FLOAT32, NULL, x, NULL, &at_zero, out, n)


cdef void relu_grad_f64(const double* x, double* out, Py_ssize_t n, double at_zero) noexcept nogil:
    call(RELU_GRAD, FLOAT64, NULL, x, NULL, &at_zero, out, n)


cdef void leaky_relu_grad_f32(
    const float* x, float* out, Py_ssize_t n, float negative_slope, float at_zero
) noexcept nogil:
    call(LEAKY_RELU_GRAD, FLOAT32, NULL, x, &negative_slope, &at_zero, out, n)


cdef void leaky_relu_grad_f64(
    const double* x, double* out, Py_ssize_t n, double negative_slope, double at_zero
) noexcept nogil:
    call(LEAKY_RELU_GRAD, FLOAT64, NULL, x, &negative_slope, &at_zero, out, n)


cdef void relu_backward_f32(
    const float* grad, const float* x, float* out, Py_ssize_t n, float at_zero
) noexcept nogil:
    call(RELU_BACKWARD, FLOAT32, grad, x, NULL, &at_zero, out, n)


cdef void relu_backward_f64(
    const double* grad, const double* x, double* out, Py_ssize_t n, double at_zero
) noexcept nogil:
    call(RELU_BACKWARD, FLOAT64, grad, x, NULL, &at_zero, out, n)


cdef void leaky_relu_backward_f32(
    const float* grad, const float* x, float* out, Py_ssize_t n, float negative_slope, float at_zero
) noexcept nogil:
    call(LEAKY_RELU_BACKWARD, FLOAT32, grad, x, &negative_slope, &at_zero, out, n)


cdef void leaky_relu_backward_f64(
    const double* grad,
    const double* x,
    double* out,
    Py_ssize_t n,
    double negative_slope,
    double at_zero,
) noexcept nogil:
    call(LEAKY_RELU_BACKWARD, FLOAT64, grad, x, &negative_slope, &at_zero, out, n)
