# cython: language_level=3
# A project built by meson-python; Cython finds cyrelu's .pxd files like those of other packages.

from cyrelu cimport kernels, memoryviews, scalar


def relu_of(double x):
    return scalar.relu(x)


def relu_in_place(double[::1] x):
    kernels.relu_f64(&x[0], &x[0], x.shape[0])


def relu_to(const double[::1] x, double[::1] out):
    memoryviews.relu(x, out)
