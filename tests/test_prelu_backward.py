"""Both gradients of PReLU: that of x is leaky_relu_backward's, that of the slopes is a sum."""

import math
import textwrap

import numpy as np
import pytest
from cases import bfloat16, each_dtype, sample
from fresh_process import run_python
from layouts import every_second
from oracle import assert_same, assert_same_bits

import cyrelu

# The shapes of x and of the slopes.
SHAPES = {
    "one for all": ((70_000,), ()),
    "one for all, in an array": ((50, 60), (1,)),
    "each column": ((300, 64), (64,)),
    "each of few columns": ((3000, 3), (3,)),
    "each of many columns": ((40, 2500), (2500,)),
    "each channel": ((4, 8, 7, 7), (8, 1, 1)),
    "each channel, large": ((3, 2, 150, 150), (2, 1, 1)),
    "each row": ((200, 200), (200, 1)),
    "first and last axis": ((6, 5, 4), (6, 1, 4)),
    "each element": ((6, 5, 4), (6, 5, 4)),
    "an axis of 1": ((20, 1, 30), (1, 30)),
    "x is smaller": ((4,), (3, 4)),
    "a number": ((), ()),
    "no rows": ((0, 4), (4,)),
    "no columns": ((4, 0), (0,)),
}
each_shape = pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)


def random_operands(dtype, shapes):
    random = np.random.default_rng(1)
    shape, slopes = shapes
    return [random.normal(size=each).astype(dtype) for each in (shape, shape, slopes)]


def products(grad, x, slopes):
    """What each slope adds up, in float64."""
    shape = np.broadcast_shapes(x.shape, slopes.shape)
    grad, x = (np.broadcast_to(each, shape).astype(np.float64) for each in (grad, x))
    with np.errstate(all="ignore"):
        used = np.where(x >= 0, 0, grad * x)
    missing = (1,) * (len(shape) - slopes.ndim)
    which = np.arange(slopes.size).reshape(missing + slopes.shape)
    which = np.broadcast_to(which, shape)
    return [used[which == k] for k in range(slopes.size)]


def ulps(result, expected):
    """The distance in units of the last place of the expected numbers, in their dtype."""
    expected = expected.astype(result.dtype)
    wide = expected.astype(np.float64)
    digits = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[result.dtype.name]
    unit = np.exp2(
        np.floor(np.log2(np.abs(wide), where=wide != 0, out=np.zeros_like(wide))) - digits
    )
    return np.abs(result.astype(np.float64) - wide) / unit


@each_dtype
@each_shape
def test_both_gradients(dtype, shapes):
    grad, x, slopes = (np.asarray(each).astype(dtype) for each in random_operands(dtype, shapes))
    grad_x, grad_slopes = cyrelu.prelu_backward(grad, x, slopes)
    assert_same_bits(grad_x, cyrelu.leaky_relu_backward(grad, x, slopes))
    assert (grad_slopes.shape, grad_slopes.dtype) == (slopes.shape, slopes.dtype)
    expected = [math.fsum(each) for each in products(grad, x, slopes)]
    expected = np.array(expected, np.float64).reshape(slopes.shape)
    assert (ulps(grad_slopes, expected) <= 2).all()


@each_dtype
@each_shape
def test_the_same_bits_in_every_layout(dtype, shapes):
    grad, x, slopes = (np.asarray(each).astype(dtype) for each in random_operands(dtype, shapes))
    expected = cyrelu.prelu_backward(grad, x, slopes)
    layouts = [np.asfortranarray, every_second, lambda a: a[..., ::-1].copy()[..., ::-1]]
    for layout in layouts if x.ndim else []:
        for result, bits in zip(
            cyrelu.prelu_backward(layout(grad), layout(x), slopes), expected, strict=True
        ):
            assert_same_bits(result, bits)
    swapped = [each.astype(each.dtype.newbyteorder()) for each in (grad, x, slopes)]
    if dtype is not bfloat16:
        assert_same_bits(cyrelu.prelu_backward(*swapped)[0], expected[0])


def test_the_same_bits_for_all_threads_and_instruction_sets():
    code = """
        import hashlib
        import numpy as np
        import cyrelu
        from cases import DTYPES
        from test_prelu_backward import SHAPES, random_operands
        cyrelu._testing.set_stall_policy(pause=0)
        digest = hashlib.sha256()
        for dtype in DTYPES:
            for shapes in [*SHAPES.values(), ((900, 1000), (1000,)), ((2_000_000,), ())]:
                for result in cyrelu.prelu_backward(*random_operands(dtype, shapes)):
                    digest.update(np.asarray(result).tobytes())
        print(digest.hexdigest())
    """
    available = cyrelu.show_config("dicts")["instruction_set"]["available"]
    settings = [(isa, threads) for isa in available for threads in ("1", "2", "3")]
    digests = {
        run_python(
            "import cyrelu._testing\n" + textwrap.dedent(code),
            CYRELU_ISA=isa,
            CYRELU_NUM_THREADS=threads,
        ).stdout
        for isa, threads in settings
    }
    assert len(digests) == 1, digests
    assert len(digests.pop()) == 65


@each_dtype
def test_what_does_not_use_the_slope_adds_nothing(dtype):
    x = np.array([[1, 0, -0.0, np.inf, -2]], dtype).repeat(40, axis=0)
    grad = np.array([[np.nan, np.inf, np.nan, -np.inf, 3]], dtype).repeat(40, axis=0)
    for slopes in (np.ones(5, dtype), np.ones((), dtype)):
        grad_x, grad_slopes = cyrelu.prelu_backward(grad, x, slopes)
        assert_same(grad_x, cyrelu.leaky_relu_backward(grad, x, slopes))
        assert np.sum(grad_slopes.astype(np.float64)) == -240


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_nans_that_use_the_slope_arrive(dtype):
    x = np.full((1000, 4), -1, dtype)
    grad = np.zeros_like(x)
    grad[5, 0], grad[700, 1], grad[3, 2], grad[900, 2] = np.inf, np.nan, np.inf, -np.inf
    _, sums = cyrelu.prelu_backward(grad, x, np.ones(4, dtype))
    assert_same(sums, np.array([-np.inf, np.nan, np.nan, 0], dtype))


@each_dtype
def test_a_nan_in_x_is_nan_in_both_gradients(dtype):
    x = np.ones((1000, 4), dtype)
    x[700, 1] = np.nan
    grad_x, sums = cyrelu.prelu_backward(np.ones_like(x), x, np.ones(4, dtype))
    assert np.isnan(grad_x[700, 1])
    assert np.isnan(sums).tolist() == [False, True, False, False]


def test_float64_is_compensated():
    """The sum of numbers that cancel each other, which a plain sum loses."""
    grad = np.array([1e16, 1.0, -1e16] * 20_000)
    _, total = cyrelu.prelu_backward(grad, np.full(60_000, -1.0), 0.5)
    assert total == -20_000


@each_dtype
def test_in_place(dtype):
    shapes = ((300, 64), (64,))
    for name in ("grad", "x"):
        grad, x, slopes = random_operands(dtype, shapes)
        expected = cyrelu.prelu_backward(grad, x, slopes)
        out = {"grad": grad, "x": x}[name]
        grad_x, grad_slopes = cyrelu.prelu_backward(grad, x, slopes, out)
        assert grad_x is out
        assert_same_bits(out, expected[0])
        assert_same_bits(grad_slopes, expected[1])


def test_out_of_any_layout():
    grad, x, slopes = random_operands(np.float32, ((300, 64), (64,)))
    expected = cyrelu.prelu_backward(grad, x, slopes, at_zero=0.5)
    memory = np.zeros(300 * 64 + 1, np.float32)
    memory[1:] = x.ravel()
    overlapping = memory[:-1].reshape(300, 64), memory[1:].reshape(300, 64)
    for given, out in [
        (x, np.empty((300, 128), np.float32)[:, ::2]),
        (x, np.empty((300, 64), np.float32, order="F")),
        (x, np.empty((300, 64), np.float64)),
        (x, np.empty((300, 64), ">f4")),
        (overlapping[1], overlapping[0]),
    ]:
        result = cyrelu.prelu_backward(grad, given, slopes, out=out, at_zero=0.5)
        assert result[0] is out
        assert_same(out.astype(np.float32), expected[0])
        assert_same_bits(result[1], expected[1])


def test_dtypes():
    x = -np.ones((3, 2), np.float32)
    for slopes, dtypes in [
        (0.5, (np.float32, np.float32)),
        (np.ones(2, np.float64), (np.float64, np.float64)),
        (np.ones(2, np.float16), (np.float32, np.float16)),
        (np.ones(2, np.int8), (np.float32, np.float32)),
        ([0.5, 0.5], (np.float64, np.float64)),
    ]:
        grad_x, grad_slopes = cyrelu.prelu_backward(x, x, slopes)
        assert (grad_x.dtype, grad_slopes.dtype) == dtypes
    integers = np.array([[-1, 2]])
    grad_x, grad_slopes = cyrelu.prelu_backward(integers, integers, 0.5)
    assert (grad_x.dtype, grad_slopes) == (np.float64, 1.0)


WRONG = {
    "shapes": (
        [np.ones((2, 3)), np.ones((2, 3)), np.ones(2)],
        {},
        ValueError,
        r"grad has shape \(2, 3\), x has shape \(2, 3\), negative_slope has shape \(2,\)",
    ),
    "complex": ([1j, 1.0, 1.0], {}, TypeError, "grad has dtype complex128"),
    "at_zero": (
        [1.0, 1.0, 1.0],
        {"at_zero": np.ones(2)},
        ValueError,
        r"at_zero has shape \(2,\); expected a number",
    ),
    "read-only out": (
        [np.ones(2), np.ones(2), 0.5],
        {"out": np.broadcast_to(1.0, 2)},
        ValueError,
        "out is read-only",
    ),
    "out of another shape": (
        [np.ones(2), np.ones(2), 0.5],
        {"out": np.ones(3)},
        ValueError,
        r"out has shape \(3,\); expected \(2,\)",
    ),
    "out of integers": (
        [np.ones(2), np.ones(2), 0.5],
        {"out": np.ones(2, int)},
        TypeError,
        "out has dtype int64; expected one that float64 casts to",
    ),
    "out is a list": ([np.ones(2), np.ones(2), 0.5], {"out": [1.0, 2.0]}, TypeError, "out is of"),
    "a masked array": (
        [np.ma.masked_array(np.ones(2)), np.ones(2), 0.5],
        {},
        TypeError,
        r"grad is of type numpy.ma.*MaskedArray; expected a numpy.ndarray",
    ),
}


@pytest.mark.parametrize(("given", "keywords", "error", "words"), WRONG.values(), ids=WRONG)
def test_errors(given, keywords, error, words):
    with pytest.raises(error, match=f"^prelu_backward: {words}"):
        cyrelu.prelu_backward(*given, **keywords)


def test_other_packages_arrays_are_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"x is of type pandas.*Series; expected a numpy.ndarray"):
        cyrelu.prelu_backward(np.ones(2), pandas.Series([1.0, 2.0]), 0.5)


@each_dtype
def test_edge_values_of_x(dtype):
    x, grad = sample(dtype, (50, 40), 1), sample(dtype, (50, 40), 2)
    slopes = sample(dtype, 40, 3)
    assert_same(
        cyrelu.prelu_backward(grad, x, slopes)[0], cyrelu.leaky_relu_backward(grad, x, slopes)
    )
