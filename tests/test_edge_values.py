"""The table of edge values, and all combinations of edge values compared with the oracle."""

import numpy as np
import pytest
from cases import (
    CASES,
    Case,
    assert_same_on_every_path,
    each_dtype,
    each_factor,
    each_function,
    each_function_and_dtype,
    edge_values,
    finfo,
    name_of,
    nan_payloads,
    operands_for,
)
from oracle import assert_same, assert_same_bits

import cyrelu

inf, nan = np.inf, np.nan


def test_the_tutorials_numbers():
    x = np.array([1.0, -10.0, 0.0, 15.0, -20.0])
    assert [f"{y:.1f}" for y in cyrelu.relu(x)] == ["1.0", "0.0", "0.0", "15.0", "0.0"]
    assert [f"{y:.1f}" for y in cyrelu.leaky_relu(x)] == ["1.0", "-0.1", "0.0", "15.0", "-0.2"]
    np.testing.assert_array_equal(cyrelu.relu_grad(x), [1, 0, 1, 1, 0])
    np.testing.assert_array_equal(cyrelu.leaky_relu_grad(x), [1, 0.01, 1, 1, 0.01])


def columns(name, *inputs_and_result):
    """Rows of the table by columns: a list for each input, and one for the results."""
    return {
        f"{name} of {', '.join(map(str, inputs))}": (name, inputs, result)
        for *inputs, result in zip(*inputs_and_result, strict=True)
    }


# The table of edge values: a function, its inputs in the ufunc's order, and the result. A function
# may have its rows by columns:
#     **columns(
#         "relu",
#         [3.0, inf, 0.0, -0.0, -3.0, -inf, nan],
#         [3.0, inf, 0.0, 0.0, 0.0, 0.0, nan],
#     ),
TABLE = {
    "relu of a positive": ("relu", [3.0], 3.0),
    "relu of inf": ("relu", [inf], inf),
    "relu of 0.0": ("relu", [0.0], 0.0),
    "relu of -0.0": ("relu", [-0.0], 0.0),
    "relu of a negative": ("relu", [-3.0], 0.0),
    "relu of -inf": ("relu", [-inf], 0.0),
    "relu of NaN": ("relu", [nan], nan),
    "leaky_relu of a positive": ("leaky_relu", [3.0, 0.5], 3.0),
    "leaky_relu of inf": ("leaky_relu", [inf, 0.5], inf),
    "leaky_relu of 0.0": ("leaky_relu", [0.0, 0.5], 0.0),
    "leaky_relu of -0.0": ("leaky_relu", [-0.0, 0.5], -0.0),
    "leaky_relu of -0.0, slope negative": ("leaky_relu", [-0.0, -0.5], 0.0),
    "leaky_relu of 0.0, slope negative": ("leaky_relu", [0.0, -0.5], -0.0),
    "leaky_relu of a negative": ("leaky_relu", [-3.0, 0.5], -1.5),
    "leaky_relu of a negative, slope negative": ("leaky_relu", [-3.0, -0.5], 1.5),
    "leaky_relu of a negative, slope above 1": ("leaky_relu", [-3.0, 2.0], -6.0),
    "leaky_relu of a positive, slope above 1": ("leaky_relu", [3.0, 2.0], 3.0),
    "leaky_relu of -inf": ("leaky_relu", [-inf, 0.5], -inf),
    "leaky_relu of -inf, slope 0": ("leaky_relu", [-inf, 0.0], 0.0),
    "leaky_relu of -0.0, slope 0": ("leaky_relu", [-0.0, 0.0], 0.0),
    "leaky_relu of a negative, slope -0.0": ("leaky_relu", [-3.0, -0.0], 0.0),
    "leaky_relu of NaN": ("leaky_relu", [nan, 0.5], nan),
    "leaky_relu of NaN, slope 0": ("leaky_relu", [nan, 0.0], nan),
    "leaky_relu of a positive, slope NaN": ("leaky_relu", [3.0, nan], 3.0),
    "leaky_relu of a negative, slope NaN": ("leaky_relu", [-3.0, nan], nan),
    "relu_grad of a positive": ("relu_grad", [3.0, 0.5], 1.0),
    "relu_grad of inf": ("relu_grad", [inf, 0.5], 1.0),
    "relu_grad at 0.0": ("relu_grad", [0.0, 0.5], 0.5),
    "relu_grad at -0.0": ("relu_grad", [-0.0, 0.5], 0.5),
    "relu_grad at 0.0, at_zero -0.0": ("relu_grad", [0.0, -0.0], 0.0),
    "relu_grad of a negative": ("relu_grad", [-3.0, 0.5], 0.0),
    "relu_grad of -inf": ("relu_grad", [-inf, 0.5], 0.0),
    "relu_grad of NaN": ("relu_grad", [nan, 0.5], nan),
    "leaky_relu_grad of a positive": ("leaky_relu_grad", [3.0, 0.2, 0.5], 1.0),
    "leaky_relu_grad at -0.0": ("leaky_relu_grad", [-0.0, 0.2, 0.5], 0.5),
    "leaky_relu_grad of a negative": ("leaky_relu_grad", [-3.0, 0.2, 0.5], 0.2),
    "leaky_relu_grad of -inf": ("leaky_relu_grad", [-inf, 0.2, 0.5], 0.2),
    "leaky_relu_grad of a negative, slope -0.0": ("leaky_relu_grad", [-3.0, -0.0, 0.5], 0.0),
    "leaky_relu_grad of NaN": ("leaky_relu_grad", [nan, 0.2, 0.5], nan),
    "relu_backward of a positive": ("relu_backward", [7.0, 3.0, 0.5], 7.0),
    "relu_backward of a positive, grad -0.0": ("relu_backward", [-0.0, 3.0, 0.5], -0.0),
    "relu_backward of a positive, grad NaN": ("relu_backward", [nan, 3.0, 0.5], nan),
    "relu_backward at 0": ("relu_backward", [7.0, 0.0, 0.5], 3.5),
    "relu_backward at 0, at_zero 1 selects grad": ("relu_backward", [-0.0, 0.0, 1.0], -0.0),
    "relu_backward at 0, at_zero 0 blocks inf": ("relu_backward", [inf, 0.0, 0.0], 0.0),
    "relu_backward of a negative": ("relu_backward", [-7.0, -3.0, 0.5], 0.0),
    "relu_backward of a negative blocks inf": ("relu_backward", [-inf, -3.0, 0.5], 0.0),
    "relu_backward of -inf blocks NaN": ("relu_backward", [nan, -inf, 0.5], 0.0),
    "relu_backward of NaN": ("relu_backward", [7.0, nan, 0.5], nan),
    "leaky_relu_backward of inf": ("leaky_relu_backward", [7.0, inf, 0.2, 0.5], 7.0),
    "leaky_relu_backward at 0": ("leaky_relu_backward", [7.0, -0.0, 0.2, 0.5], 3.5),
    "leaky_relu_backward of a negative": ("leaky_relu_backward", [5.0, -3.0, 0.5, 1.0], 2.5),
    "leaky_relu_backward of a negative, slope 1": (
        "leaky_relu_backward",
        [-0.0, -3.0, 1.0, 1.0],
        -0.0,
    ),
    "leaky_relu_backward of a negative, slope 0": (
        "leaky_relu_backward",
        [nan, -3.0, 0.0, 1.0],
        0.0,
    ),
    "leaky_relu_backward of a negative, grad inf": (
        "leaky_relu_backward",
        [inf, -3.0, 0.5, 1.0],
        inf,
    ),
    "leaky_relu_backward of NaN": ("leaky_relu_backward", [7.0, nan, 0.2, 0.5], nan),
    "add_relu above": ("add_relu", [-3.0, 5.0], 2.0),
    "add_relu below": ("add_relu", [3.0, -5.0], 0.0),
    "add_relu, the sum is 0": ("add_relu", [3.0, -3.0], 0.0),
    "add_relu of -0.0 and -0.0": ("add_relu", [-0.0, -0.0], 0.0),
    "add_relu of inf": ("add_relu", [inf, -3.0], inf),
    "add_relu of -inf": ("add_relu", [3.0, -inf], 0.0),
    "add_relu of inf and -inf": ("add_relu", [inf, -inf], nan),
    "add_relu of NaN and -inf": ("add_relu", [nan, -inf], nan),
    "add_leaky_relu above": ("add_leaky_relu", [-3.0, 5.0, 0.5], 2.0),
    "add_leaky_relu below": ("add_leaky_relu", [3.0, -5.0, 0.5], -1.0),
    "add_leaky_relu of -0.0 and -0.0": ("add_leaky_relu", [-0.0, -0.0, 0.5], -0.0),
    "add_leaky_relu of -inf, slope 0": ("add_leaky_relu", [3.0, -inf, 0.0], 0.0),
    "add_leaky_relu of inf and -inf, slope 0": ("add_leaky_relu", [inf, -inf, 0.0], nan),
}


def test_every_operation_has_rows():
    assert {name for name, _, _ in TABLE.values()} == {case.name for case in CASES}


def holds(dtype, values):
    """Whether the dtype has these numbers: float8_e4m3fn has no infinities, for one."""
    return all(np.isnan(dtype(value)) == np.isnan(value) for value in values)


ROWS = [
    pytest.param(case, dtype, inputs, expected, id=f"{row}-{name_of(dtype)}")
    for row, (name, inputs, expected) in TABLE.items()
    for case in [Case(name)]
    for dtype in case.dtypes
    if holds(dtype, [*inputs, expected])
]


@pytest.mark.parametrize(("case", "dtype", "inputs", "expected"), ROWS)
def test_a_row_of_the_table(case, dtype, inputs, expected):
    inputs = dict(zip(case.operands, inputs, strict=True))
    arrays = {key: np.full(5, value, dtype) for key, value in inputs.items()}
    as_functions_take_them = {
        key: arrays[key] if key in case.arrays else value for key, value in inputs.items()
    }
    expected = np.full(5, expected, dtype)
    assert_same(case.call(as_functions_take_them), expected)  # fast path
    assert_same(case.call_ufunc(as_functions_take_them), expected)
    assert_same(case.call_ufunc(arrays), expected)  # an array of factors
    assert_same(case.call({key: dtype(value) for key, value in inputs.items()}), expected[0])


@each_function_and_dtype
@each_factor
def test_every_edge_value_with_every_factor(case, dtype, factor):
    """Each value in one array with each in another, and the factor beside others."""
    edges = edge_values(dtype)
    number = max(2, len(case.arrays))
    arrays = [edges[each.ravel()] for each in np.indices((edges.size,) * number)]
    for other in (1.0, 0.0, factor):
        operands = dict(zip(case.arrays, arrays, strict=False)) | dict.fromkeys(case.factors, other)
        operands |= dict.fromkeys(case.factors[:1], factor)
        assert_same(case.call(operands), case.expected(operands))
        assert_same_on_every_path(case, case.call(operands), case.call_ufunc(operands), operands)


@each_dtype
def test_slope_zero_is_relu_bit_for_bit(dtype):
    x, grad = edge_values(dtype), edge_values(dtype)[::-1].copy()
    assert_same_bits(cyrelu.leaky_relu(x, 0), cyrelu.relu(x))
    assert_same_bits(cyrelu.leaky_relu_grad(x, 0), cyrelu.relu_grad(x))
    assert_same_bits(cyrelu.leaky_relu_backward(grad, x, 0), cyrelu.relu_backward(grad, x))


@each_function_and_dtype
def test_a_nan_in_x_is_returned_with_its_payload(case, dtype):
    if "x" in case.oracle.arithmetic:
        pytest.skip("computes with it")
    operands = operands_for(case, dtype, 4)
    operands["x"] = nan_payloads(dtype)
    assert_same_bits(case.call(operands), operands["x"])
    assert_same_bits(case.call_ufunc(operands), operands["x"])


@each_dtype
def test_a_factor_of_one_selects_grad_with_its_payload(dtype):
    grad = nan_payloads(dtype)
    for x in (-3.0, 0.0, 3.0):
        x = np.full(grad.size, x, dtype)
        assert_same_bits(cyrelu.leaky_relu_backward(grad, x, 1), grad)
        assert_same_bits(cyrelu.ufuncs.leaky_relu_backward(grad, x, 1, 1), grad)


@each_dtype
def test_the_product_is_rounded_once_in_the_dtype_of_x(dtype):
    x = -np.random.default_rng(0).random(1000).astype(dtype)
    assert_same_bits(cyrelu.leaky_relu(x, 0.01), x * dtype(0.01))


@each_dtype
def test_subnormals_are_kept(dtype):
    tiny = finfo(dtype).smallest_subnormal
    x = np.array([tiny, -tiny, -4 * tiny] * 9, dtype)
    assert_same_bits(cyrelu.relu(x), np.array([tiny, 0, 0] * 9, dtype))
    assert_same_bits(cyrelu.leaky_relu(x, 0.5), np.array([tiny, -0.0, -2 * tiny] * 9, dtype))


@each_function_and_dtype
@each_factor
def test_no_value_raises_a_floating_point_error(case, dtype, factor):
    operands = operands_for(case, dtype, 300, **dict.fromkeys(case.factors, factor))
    strided = {name: value[::2] if np.ndim(value) else value for name, value in operands.items()}
    arrays = {
        name: np.broadcast_to(np.asarray(value, dtype), 300) for name, value in operands.items()
    }
    with np.errstate(all="raise"):
        case.call(operands)
        case.call(strided)
        case.call_ufunc(operands)
        case.call_ufunc(arrays)


# What NumPy casts, by name: x, and other arguments.
WARNING_CASTS = {
    "x to dtype=": ([1e300], {"dtype": np.float32}),
    "the result to a narrower out": ([1e6], {"out": np.empty(4, np.float16)}),
    "NaN to an integer out": ([1.0], {"out": np.empty(4, np.int64), "casting": "unsafe"}),
}


@each_function
@pytest.mark.parametrize(("value", "keywords"), WARNING_CASTS.values(), ids=WARNING_CASTS)
def test_numpys_own_casts_still_warn(case, value, keywords):
    """The NaNs make the loop raise, and clear, a floating-point flag of its own."""
    x = np.array([*value, np.nan, -1, 0])
    arrays = dict.fromkeys(case.arrays, np.ones(4)) | {case.arrays[0]: x}
    factors = [case.defaults, dict.fromkeys(case.factors, 1e6)]  # one of them lets x through
    if keywords.get("out") is not None and keywords["out"].dtype == np.float16:
        factors = [each for each in factors if is_beyond_float16(case, arrays | each)]
        assert bool(factors) != case.oracle.bounded
    for operands in [arrays | each for each in factors]:
        for call in (case.call, case.call_ufunc, lambda _, **keywords: np.positive(x, **keywords)):
            with pytest.warns(RuntimeWarning, match="overflow|invalid value"):
                call(operands, **keywords)


def is_beyond_float16(case, operands):
    return (np.abs(case.expected(operands)) > np.finfo(np.float16).max).any()


@each_function
def test_a_cast_that_fails_may_have_written_out(case):
    """Each element of out is as it was, or right; how many are written is NumPy's to decide."""
    n = 100_000
    objects = np.ones(n, object)
    expected = case.call(dict.fromkeys(case.arrays, np.ones(n)) | dict.fromkeys(case.factors, 0.5))
    objects[n // 2] = "not a number"
    operands = dict.fromkeys(case.operands, 0.5) | dict.fromkeys(case.arrays, objects)
    out = np.full(n, 7.0)
    with pytest.raises(ValueError, match="could not convert string"):
        case.call(operands, out=out, dtype=np.float64, casting="unsafe")
    assert (out[n // 2 :] == 7).all()
    assert ((out == 7) | (out == expected)).all()


def test_nan_in_a_type_that_is_cast_raises_no_error():
    with np.errstate(all="raise"):
        assert np.isnan(cyrelu.relu(np.array([np.nan], np.float16)))
