# A module of another project. each_function.pxi calls every function of the three files that cyrelu
# installs for Cython; the calls below are special uses.

include "each_function.pxi"

from cython.parallel cimport prange


def kernel_of_n_elements(const float[::1] x, float[::1] out, Py_ssize_t n):
    kernels.relu_f32(&x[0], &out[0], n)


def kernel_in_place(float[::1] x):
    with nogil:
        kernels.relu_f32(&x[0], &x[0], x.shape[0])


def kernel_in_place_on_grad(float[::1] grad, const float[::1] x):
    with nogil:
        kernels.relu_backward_f32(&grad[0], &x[0], &grad[0], x.shape[0], 1)


def slopes_of_another_dtype(double[:, ::1] x, const float[::1] slopes, double[:, ::1] out):
    memoryviews.leaky_relu(x, out, slopes)


def read_only_out(const double[:, ::1] x, const double[:, ::1] out):
    memoryviews.relu(x, out)


def relu_of_signed(
    signed char a, short b, int c, long d, long long e, Py_ssize_t f,
    int8_t g, int16_t h, int32_t i, int64_t j,
):
    return (
        scalar.relu(a), scalar.relu(b), scalar.relu(c), scalar.relu(d), scalar.relu(e),
        scalar.relu(f), scalar.relu(g), scalar.relu(h), scalar.relu(i), scalar.relu(j),
    )


def relu_of_unsigned(
    unsigned char a, unsigned short b, unsigned int c, unsigned long d, unsigned long long e,
    size_t f, uint8_t g, uint16_t h, uint32_t i, uint64_t j,
):
    return (
        scalar.relu(a), scalar.relu(b), scalar.relu(c), scalar.relu(d), scalar.relu(e),
        scalar.relu(f), scalar.relu(g), scalar.relu(h), scalar.relu(i), scalar.relu(j),
    )


def factor_of_type(int way, const float[::1] x, float[::1] out):
    cdef double tenth = 0.1
    cdef int two = 2
    with nogil:
        if way == 0:
            memoryviews.leaky_relu(x, out, 0.1)
        elif way == 1:
            memoryviews.leaky_relu(x, out, tenth)
        else:
            memoryviews.leaky_relu(x, out, two)


def kernel_in_own_parallel_region(const float[:, ::1] x, float[:, ::1] out):
    cdef Py_ssize_t i
    for i in prange(x.shape[0], nogil=True, num_threads=2):
        kernels.relu_f32(&x[i, 0], &out[i, 0], x.shape[1])
