"""The formulas of scalar.pxd for Numba, which compiles Python: of numbers of one dtype.

Constants are made of that dtype, type(x)(0), as a literal would turn float32 into float64.
"""

# Numba has no types, and need not be installed.
# mypy: ignore-errors

from __future__ import annotations

from numba import njit


@njit
def scaled(factor, value):
    """factor * value, but 0 and 1 select: a dead unit blocks even an inf or a NaN."""
    if factor == 0:
        return type(value)(0)
    return value if factor == 1 else factor * value


@njit
def leaky_relu(x, negative_slope):
    return scaled(negative_slope, x) if x <= 0 else x


@njit
def leaky_relu_backward(grad, x, negative_slope, at_zero):
    if x > 0:
        return grad
    if x == 0:
        return scaled(at_zero, grad)
    return scaled(negative_slope, grad) if x < 0 else x


@njit
def leaky_relu_grad(x, negative_slope, at_zero):
    return leaky_relu_backward(type(x)(1), x, negative_slope, at_zero)


@njit
def relu(x):
    """Of floats and of integers. -0.0 becomes 0.0."""
    return type(x)(0) if x <= 0 else x


@njit
def relu_grad(x, at_zero):
    return leaky_relu_grad(x, type(x)(0), at_zero)


@njit
def relu_backward(grad, x, at_zero):
    return leaky_relu_backward(grad, x, type(x)(0), at_zero)


@njit
def add_relu(x, y):
    """Numba adds small integers in wider ones: as type(x) the sum wraps around, as NumPy's."""
    return relu(type(x)(x + y))


@njit
def add_leaky_relu(x, y, negative_slope):
    return leaky_relu(x + y, negative_slope)


@njit
def add_relu_of_bools(x, y):
    """Their sum is an or."""
    return x | y


@njit
def relu_of_bools(x):
    return x
