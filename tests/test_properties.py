"""Property-based tests: any dtype, shape, layout, value and factor, on every path."""

import hypothesis.extra.numpy as arrays_of
import numpy as np
from cases import CASES, FLOATS, assert_same_on_every_path
from hypothesis import given, note
from hypothesis import strategies as st
from layouts import LAYOUTS, WRITEABLE
from oracle import assert_same, assert_same_bits

import cyrelu


def any_float(dtype):
    width = np.dtype(dtype).itemsize * 8
    return st.floats(width=width, allow_nan=True, allow_infinity=True, allow_subnormal=True)


@st.composite
def calls(draw):
    """A function of the package with operands by name, arrays in some layout."""
    case = draw(st.sampled_from(CASES))
    dtype = draw(st.sampled_from(case.dtypes))
    shape = draw(arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=40))
    layout = draw(st.sampled_from(list(LAYOUTS)))
    note(f"layout: {layout}")
    operands = {}
    for name in case.operands:
        if name in case.arrays:
            if dtype in FLOATS:
                values = draw(arrays_of.arrays(dtype, shape, elements=any_float(dtype)))
            else:
                bits = f"u{np.dtype(dtype).itemsize}"
                values = draw(arrays_of.arrays(bits, shape)).view(dtype)
            operands[name] = LAYOUTS[layout](values)
        else:
            width = np.float16 if dtype == np.float16 else np.float32
            operands[name] = draw(any_float(width) | st.sampled_from([0, 1, case.defaults[name]]))
    return case, operands


@given(calls())
def test_the_function_agrees_with_the_oracle_and_the_ufunc(call):
    case, operands = call
    result = case.call(operands)
    assert_same(result, case.expected(operands))
    assert_same_on_every_path(case, result, case.call_ufunc(operands), operands)


@given(calls(), st.sampled_from(list(WRITEABLE)))
def test_out_in_any_layout_gets_the_same_bits(call, layout):
    case, operands = call
    expected = case.call(operands)
    out = WRITEABLE[layout](np.zeros(expected.shape, expected.dtype))
    assert case.call(operands, out=out) is out
    assert_same_on_every_path(case, out.astype(expected.dtype), expected, operands)


@given(calls(), st.data())
def test_where_touches_only_what_it_selects(call, data):
    case, operands = call
    expected = case.call(operands)
    chosen = data.draw(arrays_of.arrays(bool, expected.shape))
    out = np.full(expected.shape, 7, expected.dtype)
    case.call(operands, out=out, where=chosen)
    expected = np.where(chosen, expected, expected.dtype.type(7))
    assert_same_on_every_path(case, out, expected, operands)


@given(calls())
def test_each_element_is_independent(call):
    """A result does not depend on its neighbours, the length or the loop that computed it."""
    case, operands = call
    result = case.call(operands)
    for index in list(np.ndindex(result.shape))[:20]:
        alone = {
            name: value[index] if name in case.arrays else value for name, value in operands.items()
        }
        assert_same_on_every_path(case, case.call(alone), result[index], alone)


@given(calls())
def test_relu_is_idempotent_and_sets_no_sign_bit(call):
    _, operands = call
    once = cyrelu.relu(operands["x"])
    assert_same_bits(cyrelu.relu(once), once)
    with np.errstate(invalid="ignore"):  # np.isnan of a signalling bfloat16 NaN warns
        assert not np.signbit(once[~np.isnan(once)]).any()
