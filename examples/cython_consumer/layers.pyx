# cython: boundscheck=False, wraparound=False
"""A dense layer of a network in Cython, which calls cyrelu in each of the three ways."""

from cyrelu cimport kernels, memoryviews, scalar


def dense_relu(const float[:, ::1] x, const float[:, ::1] weights, float[:, ::1] out):
    """relu(x @ weights): the formula, compiled into this loop."""
    cdef Py_ssize_t i, j, k
    cdef float total
    with nogil:
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                total = 0
                for k in range(x.shape[1]):
                    total += x[i, k] * weights[k, j]
                out[i, j] = scalar.relu(total)


def rectified(const float[:, ::1] x, float[:, ::1] out, float negative_slope):
    """leaky_relu(x) of whole memoryviews; their shapes are checked."""
    memoryviews.leaky_relu(x, out, negative_slope)


def backward(float[::1] grad, const float[::1] x):
    """grad * relu'(x) in place, by pointers and without the GIL; nothing is checked."""
    with nogil:
        kernels.relu_backward_f32(&grad[0], &x[0], &grad[0], x.shape[0], 1)
