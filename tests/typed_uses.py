"""Uses with the types that they must have: type checkers read this file, a test runs it."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import cyrelu

singles: NDArray[np.float32] = np.ones(3, np.float32)
doubles: NDArray[np.float64] = np.ones(3, np.float64)
single, double = np.float32(1), np.float64(1)
halves: NDArray[np.float16] = np.ones(3, np.float16)
integers: NDArray[np.int64] = np.ones(3, np.int64)
flags: NDArray[np.bool] = np.ones(3, np.bool)

# An array in: an array of the same dtype out; of integers for relu alone.
assert_type(cyrelu.relu(halves), NDArray[np.float16])
assert_type(cyrelu.leaky_relu(halves, 0.1), NDArray[np.float16])
assert_type(cyrelu.relu(integers), NDArray[np.int64])
assert_type(cyrelu.relu(flags), NDArray[np.bool])
assert_type(cyrelu.leaky_relu(integers), NDArray[np.float64])
assert_type(cyrelu.relu_backward(flags, integers), NDArray[np.float64])
assert_type(cyrelu.relu(singles), NDArray[np.float32])
assert_type(cyrelu.relu(doubles), NDArray[np.float64])
assert_type(cyrelu.leaky_relu(singles), NDArray[np.float32])
assert_type(cyrelu.leaky_relu(singles, 0.1), NDArray[np.float32])
assert_type(cyrelu.leaky_relu(doubles, negative_slope=1), NDArray[np.float64])
assert_type(cyrelu.relu_grad(singles, at_zero=0), NDArray[np.float32])
assert_type(cyrelu.leaky_relu_grad(doubles, 0.1, at_zero=0.1), NDArray[np.float64])
assert_type(cyrelu.relu_backward(singles, singles), NDArray[np.float32])
assert_type(cyrelu.leaky_relu_backward(doubles, doubles, 0.2), NDArray[np.float64])

# A scalar in: a scalar out.
assert_type(cyrelu.relu(single), np.float32)
assert_type(cyrelu.relu(double), np.float64)
assert_type(cyrelu.relu(1.0), np.float64)
assert_type(cyrelu.relu(np.uint8(1)), np.uint8)
assert_type(cyrelu.relu(-1), np.int64)
assert_type(cyrelu.relu(True), np.bool)
assert_type(cyrelu.leaky_relu(-1), np.float64)
assert_type(cyrelu.leaky_relu(np.int8(1)), np.float64)
assert_type(cyrelu.relu_backward(single, single), np.float32)

# out determines the type: by keyword, in a tuple and by position.
assert_type(cyrelu.relu(integers, out=doubles), NDArray[np.float64])
assert_type(cyrelu.relu(doubles, out=singles), NDArray[np.float32])
assert_type(cyrelu.relu(doubles, out=(singles,)), NDArray[np.float32])
assert_type(cyrelu.relu(doubles, singles), NDArray[np.float32])
assert_type(cyrelu.leaky_relu(doubles, 0.1, singles), NDArray[np.float32])
assert_type(cyrelu.leaky_relu(doubles, out=singles), NDArray[np.float32])
assert_type(cyrelu.leaky_relu_backward(doubles, doubles, out=singles), NDArray[np.float32])

# The type is known only at run time.
assert_type(cyrelu.relu([1.0, 2.0]), Any)
assert_type(cyrelu.relu(doubles, dtype=np.float32), Any)
assert_type(cyrelu.leaky_relu(doubles, np.ones(3)), Any)
assert_type(cyrelu.leaky_relu(singles, np.float64(0.1)), Any)
assert_type(cyrelu.relu_backward(singles, doubles), Any)

# Threads, configuration, ufuncs.
cyrelu.set_num_threads(cyrelu.get_num_threads())
cyrelu.set_num_threads(np.int64(1))
with cyrelu.num_threads(1) as block:
    assert_type(block, cyrelu.num_threads)
assert_type(cyrelu.show_config("dicts"), dict[str, Any])
assert_type(cyrelu.show_config(), None)
assert_type(cyrelu.ufuncs.relu, np.ufunc)
assert_type(cyrelu.__version__, str)
