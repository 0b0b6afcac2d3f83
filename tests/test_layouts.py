"""The same values in any memory layout, of any length, give the same bits."""

import numpy as np
import pytest
from cases import each_function, each_itemsize, operands_for, sample
from layouts import LAYOUTS, WRITEABLE
from oracle import assert_same, assert_same_bits

each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
each_writeable_layout = pytest.mark.parametrize("layout", WRITEABLE.values(), ids=WRITEABLE)
SHAPE = (23, 37)

# Around every vector width, unrolled or not, and around the size that releases the GIL.
LENGTHS = [*range(70), 127, 128, 129, 255, 256, 257, 499, 500, 501, 1023, 1025]


def test_the_layouts_are_what_their_names_say():
    array = sample(np.float32, SHAPE)
    made = {name: layout(array) for name, layout in LAYOUTS.items()}
    for laid_out in made.values():
        np.testing.assert_array_equal(laid_out, array)
    assert made["C"].strides == (37 * 4, 4)
    assert made["F"].strides == (4, 23 * 4)
    assert made["step 2"].strides == (37 * 8, 8)
    assert made["negative step"].strides == (37 * 4, -4)
    assert made["transposed"].strides == (4, 23 * 4)
    assert made["block"].strides == (39 * 4, 4)
    assert not made["unaligned"].flags.aligned
    assert not made["byte-swapped"].dtype.isnative
    assert not made["read-only"].flags.writeable
    assert made["field"].strides == (37 * 9, 9)


@each_function
@each_itemsize
@pytest.mark.parametrize("n", LENGTHS)
def test_every_length(case, dtype, n):
    operands = operands_for(case, dtype, n)
    expected = case.expected(operands)
    guarded = np.full(n + 2, 7, dtype)
    out = guarded[1:-1]
    assert case.call(operands, out=out) is out
    assert_same(out, expected)
    assert guarded[0] == guarded[-1] == 7  # nothing written outside
    assert_same_bits(case.call(operands), out)
    assert_same_bits(case.call_ufunc(operands), out)


@each_function
@each_itemsize
@each_layout
def test_every_layout_of_the_input(case, dtype, layout):
    operands = operands_for(case, dtype, SHAPE)
    expected = case.expected(operands)
    laid_out = {
        name: layout(value) if name in case.arrays else value for name, value in operands.items()
    }
    before = {name: np.copy(value) for name, value in laid_out.items()}
    result = case.call(laid_out)
    assert_same(result, expected)
    assert_same_bits(result, case.call_ufunc(laid_out))
    for name, value in laid_out.items():
        assert_same_bits(value, before[name])


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
def test_a_fresh_result_keeps_the_memory_order(case, dtype):
    operands = operands_for(case, dtype, SHAPE)
    in_f_order = {
        name: np.asfortranarray(value) if name in case.arrays else value
        for name, value in operands.items()
    }
    assert case.call(operands).flags.c_contiguous
    assert case.call(in_f_order).flags.f_contiguous
    assert case.call(in_f_order, order="C").flags.c_contiguous


@each_function
@each_itemsize
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (1, 1, 1), (2, 3, 4, 5)], ids=str)
def test_shapes(case, dtype, shape):
    operands = operands_for(case, dtype, shape)
    assert_same(case.call(operands), case.expected(operands))


@each_function
@each_itemsize
def test_empty_unaligned_arrays(case, dtype):
    operands = operands_for(case, dtype, 0)
    for name in case.arrays:
        operands[name] = np.empty(9, np.uint8)[1:1].view(dtype)
    assert_same(case.call(operands), case.expected(operands))
    assert_same(case.call_ufunc(operands), case.expected(operands))


@each_function
@each_itemsize
def test_in_place_on_each_array(case, dtype):
    for name in case.arrays:
        operands = operands_for(case, dtype, 1001)
        expected = case.expected(operands)
        assert case.call(operands, out=operands[name]) is operands[name]
        assert_same(operands[name], expected)


@each_function
@each_itemsize
@pytest.mark.parametrize("shift", [-17, -1, 1, 2, 17])
def test_out_may_overlap_its_input(case, dtype, shift):
    for name in case.arrays:
        operands = operands_for(case, dtype, 200)
        memory = np.zeros(300, dtype)
        memory[50:250] = operands[name]
        operands[name] = memory[50:250]
        expected = case.expected(operands)
        out = memory[50 + shift : 250 + shift]
        case.call(operands, out=out)
        assert_same(out, expected)


@each_function
@each_itemsize
def test_the_same_array_as_grad_and_x(case, dtype):
    x = sample(dtype, 333)
    operands = {**operands_for(case, dtype, 333), **dict.fromkeys(case.arrays, x)}
    expected = case.expected(operands)
    assert_same(case.call(operands, out=x), expected)


@each_function
@each_itemsize
@pytest.mark.parametrize("shape", [(), (4,), (5, 1), (5, 4), (2, 1, 1)], ids=str)
def test_arrays_of_factors_broadcast(case, dtype, shape):
    """PReLU: a slope for each channel, each row, each element."""
    operands = operands_for(case, dtype, (5, 4))
    for name in case.factors:
        operands[name] = np.linspace(-0.3, 2, np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
    assert_same(case.call(operands), case.expected(operands))


@each_function
@each_itemsize
def test_inputs_broadcast(case, dtype):
    operands = operands_for(case, dtype, (3, 1, 4))
    if len(case.arrays) > 1:
        operands[case.arrays[0]] = sample(dtype, (5, 1))
    assert_same(case.call(operands), case.expected(operands))
