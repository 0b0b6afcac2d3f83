"""What every function must return, in plain NumPy, as the table of edge values defines it.

All arguments are arrays (or scalars) of one floating dtype, and broadcast. Their order
is that of the ufunc's inputs, their defaults are those of the function. The tests cover every
operation that is declared here.
"""

import numpy as np

OPERATIONS = {}  # by name


def operation(function):
    quiet = np.errstate(all="ignore")(function)
    OPERATIONS[function.__name__] = quiet
    return quiet


def scaled(factor, value):
    """factor * value; a factor of 0 selects +0.0 and a factor of 1 selects the value."""
    product = np.where(factor == 1, value, factor * value)
    return np.where(factor == 0, value.dtype.type(0), product)


@operation
def relu(x):
    return np.where(x > 0, x, np.where(np.isnan(x), x, x.dtype.type(0)))


@operation
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, np.where(np.isnan(x), x, scaled(negative_slope, x)))


@operation
def relu_grad(x, at_zero=1.0):
    return leaky_relu_grad(x, x.dtype.type(0), at_zero)


@operation
def leaky_relu_grad(x, negative_slope=0.01, at_zero=1.0):
    return leaky_relu_backward(np.ones_like(x), x, negative_slope, at_zero)


@operation
def relu_backward(grad, x, at_zero=1.0):
    return leaky_relu_backward(grad, x, x.dtype.type(0), at_zero)


@operation
def leaky_relu_backward(grad, x, negative_slope=0.01, at_zero=1.0):
    below, at = scaled(negative_slope, grad), scaled(at_zero, grad)
    return np.select([x > 0, x == 0, x < 0], [grad, at, below], default=x)


@operation
def add_relu(x, y):
    return relu(np.add(x, y))


@operation
def add_leaky_relu(x, y, negative_slope=0.01):
    return leaky_relu(np.add(x, y), negative_slope)


@np.errstate(invalid="ignore")  # ml_dtypes' isnan
@np.errstate(invalid="ignore")  # np.isnan of a signalling bfloat16 NaN warns
def assert_same(result, expected):
    """Assert the same dtype, shape and bits; any NaN equals any NaN."""
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(result), nan)
    np.testing.assert_array_equal(bits(result)[~nan], bits(expected)[~nan])


def assert_same_bits(result, expected):
    """Assert the same dtype, shape and bits, including the bits of NaNs."""
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_array_equal(bits(result), bits(expected))


@np.errstate(invalid="ignore")
def assert_same_on_every_path(result, expected, operands):
    """Assert the same bits; where two operands are NaN, the result may be either.

    Which of the two NaNs a sum or a product keeps depends on the compiler's order of the operands.
    """
    factors = [value for name, value in operands.items() if name not in ("grad", "x", "y")]
    two_nans = "y" in operands and (np.isnan(operands["x"]) & np.isnan(operands["y"])).any()
    if two_nans or ("grad" in operands and any(np.isnan(factor).any() for factor in factors)):
        assert_same(result, expected)
    else:
        assert_same_bits(result, expected)


def bits(array):
    """The array's bit patterns as unsigned integers."""
    native = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    return native.view(f"u{array.dtype.itemsize}").reshape(array.shape)
