"""Backward passes that are given the output of the forward pass, as after work in place."""

import numpy as np
import pytest
from cases import CASES, Case, each_dtype, sample
from oracle import assert_same

import cyrelu

SLOPES = {
    "default": 0.01,
    "one": 1,
    "above one": 2.5,
    "tiny": 1e-30,
    "NumPy's": np.float32(0.25),
    "an array": np.linspace(0.1, 3, 64),
}


@each_dtype
@pytest.mark.parametrize(
    ("case", "factor"),
    [
        pytest.param(case, factor, id=f"{case.name}-{name}")
        for case in CASES
        if case.oracle.from_output
        for name, factor in SLOPES.items()
        if name == "default" or Case(case.oracle.forward).factors
    ],
)
def test_in_place_and_back(case, dtype, factor):
    """As out of place with an at_zero that the function defines, whatever at_zero is given."""
    x, grad = sample(dtype, (50, 64), 1), sample(dtype, (50, 64), 2)
    if isinstance(factor, (np.ndarray, np.generic)):
        factor = factor.astype(dtype)
    forward = Case(case.oracle.forward)
    factors = dict.fromkeys(forward.factors, factor)
    at_zero = {"zero": 0, **factors}[case.oracle.from_output]
    operands = {"grad": grad, "x": x, **factors}
    with np.errstate(under="ignore"):
        expected = case.call(operands | {"at_zero": at_zero})
        forward.call(operands, out=x)
        for other in (1.0, 0.5, 7, np.nan):
            result = case.call(operands | {"at_zero": other}, from_output=True)
            assert_same(result, expected)
        case.call(operands, out=grad, from_output=True)
    assert_same(grad, expected)


def test_a_product_that_is_too_small_counts_as_zero():
    """What is below 0 and gives 0 cannot be told from 0, and at_zero makes no difference there."""
    x = np.array([-np.finfo(np.float32).smallest_subnormal, -0.0, 0.0], np.float32)
    output = cyrelu.leaky_relu(x, 0.25)
    assert not output.any()
    result = cyrelu.leaky_relu_backward(np.ones_like(x), output, 0.25, from_output=True)
    assert result.tolist() == [0.25] * 3


REFUSED = [0, 0.0, -0.0, -0.5, np.nan, np.inf, np.float32(0), [0.5, 0.0], np.array([0.5, np.nan])]


@pytest.mark.parametrize("slope", REFUSED, ids=str)
def test_slopes_that_lose_the_sign_are_refused(slope):
    grad, x, out = np.ones((3, 2)), np.ones((3, 2)), np.full((3, 2), 7.0)
    words = r"^leaky_relu_backward: negative_slope is, or contains, \S+; expected finite numbers "
    with pytest.raises(ValueError, match=words):
        cyrelu.leaky_relu_backward(grad, x, slope, out, from_output=True)
    assert (out == 7).all()
    cyrelu.leaky_relu_backward(grad, x, slope, out, from_output=False)
    assert (out == 1).all()


def test_a_slope_of_a_wrong_type_is_named_as_ever():
    for slope in (1j, "a", None):
        with pytest.raises(TypeError):
            cyrelu.leaky_relu_backward(np.ones(3), np.ones(3), slope, from_output=True)


def test_the_ufuncs_do_not_take_it():
    with pytest.raises(TypeError, match="from_output"):
        cyrelu.ufuncs.relu_backward(np.ones(3), np.ones(3), 1.0, from_output=True)


def test_other_arrays():
    pandas = pytest.importorskip("pandas")
    grad, x = pandas.Series([1.0, 2.0, 3.0]), pandas.Series([2.0, 0.0, -0.5])
    assert cyrelu.relu_backward(grad, x, from_output=True).tolist() == [1, 0, 0]
    result = cyrelu.leaky_relu_backward(grad, x, 0.5, from_output=True)
    assert result.tolist() == [1, 1, 1.5]
    slopes = pandas.Series([0.5, 0.25, 0.0])
    with pytest.raises(ValueError, match=r"contains, 0\.0; expected finite"):
        cyrelu.leaky_relu_backward(grad, x, slopes, from_output=True)
