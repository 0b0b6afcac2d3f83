"""Large strided and broadcast operands, on several threads: the results of contiguous arrays."""

import itertools

import numpy as np
import pytest
from cases import each_function, each_itemsize, operands_for, sample
from layouts import LAYOUTS, WRITEABLE
from oracle import assert_same, assert_same_bits

import cyrelu

SHAPE = (7, 301, 113)  # large enough for threads, in rows that do not divide evenly

each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
each_writeable_layout = pytest.mark.parametrize("layout", WRITEABLE.values(), ids=WRITEABLE)


@pytest.fixture(params=[2, 3], autouse=True)
def some_threads(request):
    with cyrelu.num_threads(request.param):
        yield


@each_function
@each_itemsize
@each_layout
def test_every_layout_of_the_input(case, dtype, layout):
    operands = operands_for(case, dtype, SHAPE)
    expected = case.expected(operands)
    laid_out = {
        name: layout(value) if name in case.arrays else value for name, value in operands.items()
    }
    result = case.call(laid_out)
    assert_same(result, expected)
    from_ufunc = case.call_ufunc(laid_out)
    assert_same_bits(result, from_ufunc)
    assert result.strides == from_ufunc.strides


@each_function
@each_itemsize
@each_writeable_layout
def test_every_layout_of_out(case, dtype, layout):
    operands = operands_for(case, dtype, SHAPE)
    out = layout(np.zeros(SHAPE, dtype))
    assert case.call(operands, out=out) is out
    assert_same(out.astype(dtype), case.expected(operands))


@each_function
@each_itemsize
def test_nothing_is_written_outside_of_out(case, dtype):
    memory = np.full(tuple(n + 2 for n in SHAPE), 7, dtype)
    inside = (slice(1, -1),) * len(SHAPE)
    operands = operands_for(case, dtype, SHAPE)
    case.call(operands, out=memory[inside])
    assert_same(memory[inside], case.expected(operands))
    memory[inside] = 7
    assert (memory == 7).all()


FACTOR_SHAPES = [(), (1,), (113,), (301, 1), (7, 1, 1), SHAPE]


@each_function
@each_itemsize
@pytest.mark.parametrize("shape", FACTOR_SHAPES, ids=str)
def test_arrays_of_factors(case, dtype, shape):
    operands = operands_for(case, dtype, SHAPE)
    for name in case.factors:
        operands[name] = sample(dtype, shape, seed=3)
    assert_same(case.call(operands), case.expected(operands))


@each_function
@each_itemsize
def test_inputs_that_broadcast(case, dtype):
    operands = operands_for(case, dtype, SHAPE)
    name = case.arrays[0]
    operands[name] = sample(dtype, (301, 1))
    out = np.zeros(SHAPE, dtype)
    case.call(operands, out=out)
    assert_same(out, np.broadcast_to(case.expected(operands), SHAPE))


@each_function
@each_itemsize
def test_in_place(case, dtype):
    for name in case.arrays:
        operands = operands_for(case, dtype, SHAPE)
        operands[name] = np.repeat(operands[name], 2, axis=1)[:, ::2]
        expected = case.expected(operands)
        case.call(operands, out=operands[name])
        assert_same(operands[name], expected)


@each_function
@each_itemsize
def test_out_may_overlap_its_input(case, dtype):
    for name in case.arrays:
        operands = operands_for(case, dtype, SHAPE)
        memory = np.zeros((9, *SHAPE[1:]), dtype)
        memory[:-2] = operands[name]
        operands[name] = memory[:-2]
        expected = case.expected(operands)
        case.call(operands, out=memory[2:])
        assert_same(memory[2:], expected)


@each_function
@each_itemsize
@pytest.mark.parametrize("row", [1, 3, 63, 64])
def test_out_may_overlap_its_input_in_short_rows(case, dtype, row):
    """The strided path leaves them to the ufunc, and must not have written anything before."""
    for name in case.arrays:
        operands = operands_for(case, dtype, (9001, row))
        memory = np.zeros((9002, row + 2), dtype)
        memory[:-1, :-2] = operands[name]
        operands[name] = memory[:-1, :-2]
        expected = case.expected(operands)
        case.call(operands, out=memory[1:, 1:-1])
        assert_same(memory[1:, 1:-1], expected)


@each_function
@each_itemsize
@pytest.mark.parametrize("n", [100, 300_000])
@pytest.mark.parametrize("reversed_", [False, True])
def test_columns_of_one_array(case, dtype, n, reversed_):
    """They are interleaved but disjoint, like the real and imaginary parts of a complex array."""
    operands = operands_for(case, dtype, n)
    memory = np.full((n, 3), 7, dtype)
    columns = memory[::-1] if reversed_ else memory
    columns[:, 0] = operands["x"]
    operands["x"] = columns[:, 0]
    expected = case.expected(operands)
    case.call(operands, out=columns[:, 1])
    assert_same(columns[:, 1], expected)
    assert_same(columns[:, 0], operands["x"])
    assert (columns[:, 2] == 7).all()


@each_function
def test_shapes_that_do_not_broadcast_are_refused_by_the_ufunc(case):
    operands = operands_for(case, np.float32, SHAPE)
    out = np.zeros((*SHAPE[:-1], 7), np.float32)
    with pytest.raises(ValueError, match=f"^{case.name}: "):
        case.call(operands, out=out)
    assert not out.any()


def test_unsupported_operands_are_left_to_the_ufunc():
    x = np.zeros(SHAPE, np.float32).T
    assert type(cyrelu.relu(np.ma.masked_array(x))) is np.ma.MaskedArray
    assert cyrelu.relu_grad(x.astype(np.int16)).dtype == np.float64
    assert cyrelu.leaky_relu(x, np.float64(0.1)).dtype == np.float64
    assert cyrelu.leaky_relu(x, np.full(7, 0.1)).dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        cyrelu.relu(x, out=LAYOUTS["read-only"](np.zeros(SHAPE, np.float32).T))


def test_many_dimensions():
    axes = [*range(0, 19, 2), *range(1, 19, 2)]
    x = sample(np.float32, (2,) * 19)[..., ::-1].transpose(axes)
    assert_same_bits(cyrelu.relu(x), cyrelu.ufuncs.relu(x))
    assert_same(cyrelu.relu(x), np.where(x > 0, x, np.where(np.isnan(x), x, np.float32(0))))


def test_empty_rows():
    x = np.zeros((1000, 0, 1000), np.float32).transpose(2, 0, 1)
    assert cyrelu.relu(x).shape == (1000, 1000, 0)


def random_view(random, shape):
    """A view of this shape whose axes lie in memory in any order, with gaps or without."""
    axes = random.permutation(len(shape))
    steps = random.integers(1, 3, len(shape))
    memory = random.normal(size=[shape[axis] * steps[axis] for axis in axes]).astype(np.float32)
    return memory.transpose(np.argsort(axes))[tuple(slice(None, None, step) for step in steps)]


def test_small_views_get_a_result_in_the_order_of_the_ufuncs():
    random = np.random.default_rng(0)
    for _ in range(2000):
        shape = tuple(random.integers(1, 6, random.integers(1, 4)))
        x, residual = random_view(random, shape), random_view(random, shape)
        sides = shape[random.integers(0, len(shape)) :]
        bias = random_view(random, tuple(side if random.random() < 0.6 else 1 for side in sides))
        if random.random() < 0.3:
            x = np.broadcast_to(x[:1], shape)
        assert_same_layout(cyrelu.relu(x), cyrelu.ufuncs.relu(x))
        for y in (residual, bias):
            assert_same_layout(cyrelu.add_relu(x, y), cyrelu.ufuncs.add_relu(x, y))
            out = random_view(random, shape)
            cyrelu.add_relu(x, y, out=out)
            assert_same_bits(out, cyrelu.ufuncs.add_relu(x, y))


def assert_same_layout(result, expected):
    assert_same_bits(result, expected)
    seen, wanted = (
        [stride for stride, side in zip(each.strides, each.shape, strict=True) if side > 1]
        for each in (result, expected)
    )
    assert seen == wanted


@each_function
@pytest.mark.parametrize("shape", [(4, 5), (30, 64)])
def test_any_operand_may_give_the_shape(case, shape):
    """The others are rows, columns, one element or a number; out is new, or the largest operand."""
    others = [shape, shape[1:], (shape[0], 1), (1,), ()]
    for shapes in itertools.product(others, repeat=len(case.operands)):
        if shape not in shapes:
            continue
        operands = {
            name: sample(np.float32, each, seed)
            for seed, (name, each) in enumerate(zip(case.operands, shapes, strict=True))
        }
        expected = case.call_ufunc(operands)
        assert_same(case.call(operands), expected)
        for name in case.operands:
            if operands[name].shape == shape:
                out = operands[name].copy()
                assert_same(case.call({**operands, name: out}, out=out), expected)
