"""add_relu and add_leaky_relu: the bits of numpy.add and then relu, for what broadcasts, too."""

import itertools

import numpy as np
import pytest
from cases import DTYPES, bfloat16, each_dtype, sample
from oracle import OPERATIONS, assert_same, assert_same_bits

import cyrelu

INTEGERS = [*"?bBhHiIqQ"]
SUMS = {"add_relu": cyrelu.relu, "add_leaky_relu": cyrelu.leaky_relu}
each_sum = pytest.mark.parametrize("name", SUMS)

# The shapes of x and y: a residual, a bias for each column, for each channel, one number, ...
SHAPES = {
    "residual": ((5, 7, 30), (5, 7, 30)),
    "bias of a column each": ((33, 64), (64,)),
    "bias of a few columns": ((500, 3), (3,)),
    "bias of many columns": ((3, 5000), (5000,)),
    "bias of some columns": ((40, 300), (300,)),
    "bias of a channel each": ((3, 5, 7, 7), (5, 1, 1)),
    "bias of a row each": ((33, 64), (33, 1)),
    "one number": ((33, 64), (1, 1)),
    "no dimension": ((33, 64), ()),
    "y is larger": ((64,), (33, 64)),
    "both are smaller": ((64,), (33, 1)),
    "large, and a bias": ((300, 1000), (1000,)),
    "large, and a short bias": ((30_000, 10), (10,)),
    "empty": ((0, 64), (64,)),
}
each_shape = pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)


def two_steps(name, x, y):
    with np.errstate(all="ignore"):
        return SUMS[name](np.add(x, y))


@each_sum
@each_shape
@each_dtype
def test_broadcasting(name, shapes, dtype):
    x, y = (sample(dtype, shape, seed) for seed, shape in enumerate(shapes))
    function, expected = getattr(cyrelu, name), two_steps(name, x, y)
    assert_same(function(x, y), expected)
    assert_same(function(y, x), expected)
    assert_same(function(np.asfortranarray(x), y), expected)
    backwards = y[..., ::-1] if y.ndim else y
    assert_same(function(x[..., ::-1], backwards), expected[..., ::-1])
    every_second = np.repeat(np.zeros_like(expected), 2, axis=-1)[..., ::2]
    assert_same(function(x, y, out=every_second), expected)
    if expected.shape == x.shape:
        assert function(x, y, out=x) is x
        assert_same(x, expected)


@each_sum
@each_dtype
def test_where_leaves_the_rest(name, dtype):
    x, y = sample(dtype, (33, 64), 1), sample(dtype, (64,), 2)
    where = np.random.default_rng(3).random(x.shape) < 0.5
    out = np.full_like(x, 7)
    getattr(cyrelu, name)(x, y, out=out, where=where)
    assert_same(out, np.where(where, two_steps(name, x, y), dtype(7)))


@pytest.mark.parametrize("char", INTEGERS)
@each_shape
def test_integers_wrap_around(char, shapes):
    random = np.random.default_rng(1)
    x, y = (random.integers(0, 256, (*shape, 8), np.uint8).view(np.dtype(char)) for shape in shapes)
    if char == "?":
        x, y = x.view(np.uint8) > 100, y.view(np.uint8) > 100
    x, y = (each[..., 0] for each in (x, y))  # strided
    with np.errstate(all="ignore"):
        total = np.add(x, y)
        expected = total if char == "?" else np.maximum(total, 0)
    assert_same(cyrelu.add_relu(x, y), expected)
    assert_same(cyrelu.add_relu(x.copy(), y.copy()), expected)
    assert_same(cyrelu.ufuncs.add_relu(x, y), expected)


@pytest.mark.parametrize("char", "bB")
def test_all_sums_of_8_bits(char):
    numbers = np.arange(256, dtype=np.uint8).view(char)
    x, y = (each.ravel() for each in np.meshgrid(numbers, numbers))
    assert_same_bits(cyrelu.add_relu(x, y), np.maximum(x + y, 0))


@pytest.mark.parametrize("char", "iqhIQH")
def test_sums_of_extremes(char):
    info = np.iinfo(char)
    edges = np.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1], char)
    x, y = (np.repeat(each.ravel(), 50) for each in np.meshgrid(edges, edges))
    assert_same_bits(cyrelu.add_relu(x, y), np.maximum(x + y, 0))


def test_bools_that_are_neither_0_nor_1():
    x = np.arange(256, dtype=np.uint8).view(bool)
    for y in (x[::-1], np.zeros(256, bool)):
        assert_same(cyrelu.add_relu(x, y), np.add(x, y))


NUMBERS = [True, 2, -2, 0.5, *(np.dtype(char).type(2) for char in "?bhqQefd")]
ARRAYS = [np.ones(5, each) for each in [*"?bhqQ", *DTYPES]]


@pytest.mark.parametrize("x", ARRAYS, ids=lambda x: x.dtype.name)
@np.errstate(all="ignore")
def test_the_dtype_is_that_of_add(x):
    """Except beside bfloat16, where a Python number is weak and int64 gives float64."""
    for y in [*ARRAYS, *NUMBERS]:
        if bfloat16 in (x.dtype, getattr(y, "dtype", None)):
            continue
        for function in (cyrelu.add_relu, cyrelu.ufuncs.add_relu):
            try:
                expected = np.add(x, y)
            except OverflowError as error:
                with pytest.raises(OverflowError, match=str(error)):
                    function(x, y)
                continue
            expected = np.maximum(expected, expected.dtype.type(0))
            assert_same(function(x, y), expected)
            assert_same(function(y, x), expected)


@pytest.mark.skipif(bfloat16 is None, reason="ml_dtypes is not installed")
def test_the_dtype_beside_bfloat16():
    x = np.ones(5, bfloat16)
    wanted = {"?": "bf16", "b": "bf16", "h": "f", "q": "d", "e": "f", "f": "f", "d": "d"}
    for function in (cyrelu.add_relu, cyrelu.ufuncs.add_relu, cyrelu.add_leaky_relu):
        factors = () if "leaky" not in function.__name__ else (0.5,)
        for number in (True, 2, 0.01, bfloat16(2)):
            assert function(x, number, *factors).dtype == bfloat16
        for char, name in wanted.items():
            for y in (np.ones(5, char), np.dtype(char).type(1)):
                dtype = bfloat16 if name == "bf16" else np.dtype(name)
                assert function(x, y, *factors).dtype == dtype
                assert function(y, x, *factors).dtype == dtype


def test_numbers():
    for x, y in itertools.product([True, 3, -5, 0.5, np.float32(2), np.int8(100)], repeat=2):
        with np.errstate(over="ignore"):
            total = np.add(x, y)
            expected = total if total.dtype == bool else np.maximum(total, 0)
            result = cyrelu.add_relu(x, y)
        assert (type(result), result) == (type(expected), expected)
    with pytest.raises(OverflowError, match=f"^add_relu: y is {2**63}; expected a number within"):
        cyrelu.add_relu(1, 2**63)


def test_lists():
    assert_same(cyrelu.add_relu([1, -2], [3, 1]), np.array([4, 0]))
    assert_same(cyrelu.add_relu([[1.0], [-2.0]], [0.5, 3.0]), np.array([[1.5, 4.0], [0.0, 1.0]]))


def test_no_sum_warns():
    x = np.full(1000, np.finfo(np.float32).max)
    with np.errstate(all="raise"):
        for y in (x, -x, np.inf, np.nan, x[:1]):
            cyrelu.add_relu(x, y)
            cyrelu.add_relu(x[::2], y if np.ndim(y) == 0 or len(y) == 1 else y[::2])
        assert cyrelu.add_relu(np.float32(3e38), np.float32(3e38)) == np.inf


@each_sum
@each_dtype
def test_one_buffer_is_all_operands(name, dtype):
    original = sample(dtype, (100, 70), 4)
    for y in (np.s_[:], np.s_[0], np.s_[:, :1], np.s_[99]):
        x = original.copy()
        assert getattr(cyrelu, name)(x, x[y], out=x) is x
        assert_same(x, two_steps(name, original, original[y]))


@each_sum
def test_reduce_and_accumulate(name):
    if name == "add_leaky_relu":
        pytest.skip("has three inputs")
    x = sample(np.float32, 50, 5)
    expected = [x[0]]
    for each in x[1:]:
        expected.append(OPERATIONS[name](expected[-1], each))
    assert_same(cyrelu.ufuncs.add_relu.accumulate(x), np.array(expected, np.float32))
    assert_same(cyrelu.ufuncs.add_relu.reduce(x), np.float32(expected[-1]))
