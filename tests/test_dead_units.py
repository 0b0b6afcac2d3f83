"""Which units are positive for no example."""

import numpy as np
import pytest
from cases import bfloat16, each_dtype
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import cyrelu

SHAPES = {
    "one unit": ((5,), 0),
    "layer": ((100, 7), 0),
    "large layer": ((5000, 64), 0),
    "examples last": ((7, 100), 1),
    "images": ((6, 3, 4, 5), (0, 2, 3)),
    "an axis from the end": ((6, 3), -1),
    "no axis": ((6, 3), ()),
    "no examples": ((0, 3), 0),
    "no units": ((3, 0), 0),
}


def expected(x, axis):
    return ~(x > 0).any(axis)


@each_dtype
@pytest.mark.parametrize(("shape", "axis"), SHAPES.values(), ids=SHAPES)
def test_against_numpy(dtype, shape, axis):
    x = np.random.default_rng(0).normal(-2, 1, shape).astype(dtype)
    result = cyrelu.dead_units(x, axis)
    np.testing.assert_array_equal(result, expected(x, axis), strict=True)


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=4)), st.data())
def test_any_shape_and_axes(x, data):
    axes = data.draw(st.lists(st.integers(0, x.ndim - 1), unique=True).map(tuple))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(cyrelu.dead_units(x, axes), expected(x, axes), strict=True)


@pytest.mark.parametrize(("value", "dead"), [(np.nan, True), (-0.0, True), (1e-45, False)])
def test_edge_values(value, dead):
    assert cyrelu.dead_units(np.float32([-1, value])) == dead


def test_one_example_brings_a_unit_to_life_wherever_it_is():
    for example in (0, 300, 99_999):
        x = np.full((100_000, 3), -1, np.float32)
        x[example, 1] = 1
        assert cyrelu.dead_units(x).tolist() == [True, False, True]


def test_it_stops_when_all_units_were_positive():
    x = np.broadcast_to(np.float32(1), (1 << 50, 1 << 10))  # more than a lifetime's work
    assert not cyrelu.dead_units(x).any()


def test_lists_and_bfloat16():
    assert cyrelu.dead_units([[1, -2], [-1, -2]]).tolist() == [False, True]
    if bfloat16 is not None:
        assert cyrelu.dead_units(np.array([[1.0, -2]], bfloat16)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(2, complex), "dead_units: x has dtype complex128; expected real numbers"),
        (np.array([None]), "dead_units: x has dtype object; expected real numbers"),
        (np.zeros(2, "V4"), "dead_units: x has dtype |V4; expected real numbers"),
        (np.ma.ones(2), "dead_units: x is of type numpy.ma.MaskedArray; expected a"),
    ],
)
def test_other_operands_are_errors(x, message):
    with pytest.raises(TypeError) as error:
        cyrelu.dead_units(x)
    assert str(error.value).startswith(message)


def test_an_axis_that_is_not_there():
    with pytest.raises(np.exceptions.AxisError, match="dead_units: axis: axis 2 is out of bounds"):
        cyrelu.dead_units(np.ones((2, 2)), 2)
