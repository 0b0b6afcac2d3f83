"""What every function must return, in plain NumPy, as the table of edge values defines it.

All arguments are arrays (or scalars) of one dtype, and broadcast. Their order is that of the
ufunc's inputs; their defaults, and which of them are keyword-only, are those of the function. The
tests cover every operation that is declared here, and take what else they need to know about it
from the facts beside it, which are written by hand as well.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
OPERATIONS = {}  # by name


@dataclass(frozen=True)
class Operation:
    """What a function returns, and the facts about it; the defaults suit a function of x alone."""

    function: Callable
    dtypes: tuple[str, ...] = FLOATS  # the floating dtypes that it takes; float8_e4m3fn is one, too
    takes_integers: bool = False  # bool and integers as they are; else it computes in float64
    refuses_bools: bool = False  # where all operands are bools, as np.subtract does
    bounded: bool = False  # whatever finite operands it gets, the result fits into float16
    # The operands that meet in a sum or a product: a NaN of one of them may change its payload
    # there, and of two NaNs the result may have either. The payload of a NaN in x is kept if x is
    # none of them.
    arithmetic: tuple[str, ...] = ()
    row: str | None = None  # the operand that is one row in the kernels named _rows_
    forward: str | None = None  # the function whose output from_output= takes in place of x
    # What at_zero counts as there: "zero" or the name of a factor; None: there is no from_output=.
    from_output: str | None = None

    @property
    def parameters(self):
        return inspect.signature(self.function).parameters

    def __call__(self, *inputs):
        """The result for inputs in the order of the ufunc's; those left out have their defaults."""
        with np.errstate(all="ignore"):
            names = list(self.parameters)[: len(inputs)]
            return self.function(**dict(zip(names, inputs, strict=True)))


def operation(function=None, **facts):
    """Declare an operation, as @operation or, with facts, as @operation(takes_integers=True)."""
    if function is None:
        return lambda function: operation(function, **facts)
    OPERATIONS[function.__name__] = Operation(function, **facts)
    return OPERATIONS[function.__name__]


def scaled(factor, value):
    """factor * value; a factor of 0 selects +0.0 and a factor of 1 selects the value."""
    product = np.where(factor == 1, value, factor * value)
    return np.where(factor == 0, value.dtype.type(0), product)


@operation(takes_integers=True)
def relu(x):
    return np.where(x > 0, x, np.where(np.isnan(x), x, x.dtype.type(0)))


@operation(row="negative_slope")
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, np.where(np.isnan(x), x, scaled(negative_slope, x)))


@operation
def relu_grad(x, *, at_zero=1.0):
    return leaky_relu_grad(x, x.dtype.type(0), at_zero)


@operation(row="negative_slope")
def leaky_relu_grad(x, negative_slope=0.01, *, at_zero=1.0):
    return leaky_relu_backward(np.ones_like(x), x, negative_slope, at_zero)


@operation(arithmetic=("grad", "at_zero"), forward="relu", from_output="zero")
def relu_backward(grad, x, *, at_zero=1.0):
    return leaky_relu_backward(grad, x, x.dtype.type(0), at_zero)


@operation(
    arithmetic=("grad", "negative_slope", "at_zero"),
    row="negative_slope",
    forward="leaky_relu",
    from_output="negative_slope",
)
def leaky_relu_backward(grad, x, negative_slope=0.01, *, at_zero=1.0):
    below, at = scaled(negative_slope, grad), scaled(at_zero, grad)
    return np.select([x > 0, x == 0, x < 0], [grad, at, below], default=x)


@operation(takes_integers=True, arithmetic=("x", "y"), row="y")
def add_relu(x, y):
    return relu(np.add(x, y))


@operation(arithmetic=("x", "y"), row="y")
def add_leaky_relu(x, y, negative_slope=0.01):
    return leaky_relu(np.add(x, y), negative_slope)


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


def bits(array):
    """The array's bit patterns as unsigned integers."""
    native = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    return native.view(f"u{array.dtype.itemsize}").reshape(array.shape)
