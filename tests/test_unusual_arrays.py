"""Unusual arrays and keywords: a right result, or an error that leaves out unchanged.

The package cannot handle what NumPy itself cannot detect: an array with a wrong data pointer, or
one that another Python thread resizes during the call. Malformed protocols are in
test_array_protocols.py.
"""

import fuzz
import numpy as np
import pytest
from cases import CASES, each_function, each_itemsize, operands_for
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided
from oracle import assert_same, assert_same_bits

import cyrelu


@given(st.binary(max_size=120))
def test_any_call_that_bytes_can_encode(data):
    fuzz.try_bytes(data)


def test_a_fixed_set_of_random_calls():
    for seed in range(1500):
        fuzz.try_bytes(fuzz.random_bytes(seed))


# ---- dtypes

EVERY_DTYPE = {
    **{np.dtype(code).str: np.dtype(code) for code in np.typecodes["All"]},
    **{f">{code}": np.dtype(f">{code}") for code in ["i2", "f2", "f4", "f8", "c8", "M8[s]", "U2"]},
    "record": np.dtype([("a", "f4")]),
    "nested record": np.dtype([("a", [("b", "f8", (2, 2))]), ("c", "O")]),
    "aligned record": np.dtype([("a", "u1"), ("b", "f8")], align=True),
    "empty record": np.dtype([]),
    "record with titles": np.dtype([(("title", "a"), "f4")]),
    "with metadata": np.dtype("f4", metadata={"unit": "m"}),
    "StringDType": np.dtypes.StringDType(),
    "StringDType with NaN": np.dtypes.StringDType(na_object=np.nan),
    "datetime in months": np.dtype("M8[25M]"),
}
each_of_every_dtype = pytest.mark.parametrize("dtype", EVERY_DTYPE.values(), ids=EVERY_DTYPE)


def ones(dtype, n=3):
    array = np.zeros(n, dtype)
    if np.can_cast(dtype, np.float64):
        array += np.ones((), dtype)
    return array


@each_of_every_dtype
@each_function
def test_an_input_of_every_dtype(case, dtype):
    for name in case.operands:
        operands = operands_for(case, np.float32, 3, **case.factors_for(dtype))
        operands[name] = ones(dtype)
        if np.can_cast(dtype, np.float64):
            with np.errstate(all="ignore"):  # of NumPy's casts: signalling NaNs among the values
                result = case.call(operands)
            to = np.result_type(*operands.values())
            if to.char not in f"{case.integers}efd":
                to = np.float64
            with np.errstate(all="ignore"):
                operands = {name: np.asarray(value).astype(to) for name, value in operands.items()}
            assert_same(result, case.expected(operands))
        else:
            out = np.full(3, 7.0)
            with pytest.raises(TypeError, match=f"^{case.name}: {name} has dtype "):
                case.call(operands, out=out)
            assert (out == 7).all()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@each_of_every_dtype
@each_function
@pytest.mark.parametrize("casting", ["no", "safe", "same_kind", "unsafe"])
def test_an_out_of_every_dtype(case, dtype, casting):
    """The result is cast to out as np.copyto casts it, or the call is refused."""
    operands = dict.fromkeys(case.operands, np.ones(3, np.float32))
    result = case.call(operands)
    out, expected = ones(dtype), ones(dtype)
    if np.can_cast(result.dtype, out.dtype, casting):
        np.copyto(expected, result, casting=casting)
        assert case.call(operands, out=out, casting=casting) is out
    else:
        with pytest.raises(TypeError, match=f"^{case.name}: out has dtype "):
            case.call(operands, out=out, casting=casting)
    assert repr(out.tolist()) == repr(expected.tolist())


@each_of_every_dtype
@each_function
def test_every_dtype_as_the_dtype_to_compute_in(case, dtype):
    operands = operands_for(case, np.float16, 3) | case.factors_for(dtype)
    if dtype.char in "efd" and dtype.isnative:
        assert case.call(operands, dtype=dtype).dtype == dtype.newbyteorder("=")
    else:
        with pytest.raises(TypeError):
            case.call(operands, dtype=dtype)


# ---- shapes

TOO_LARGE = {  # for the address space, so that no system can allocate it
    "2**50": (2**50,),
    "2**60, two of which have 2**63 bytes": (2**60,),
    "in many dimensions": (2**9,) * 6,
    "with an empty dimension": (2**30, 2**29, 0),
}


@each_function
@pytest.mark.parametrize("shape", TOO_LARGE.values(), ids=TOO_LARGE)
def test_one_element_broadcast_beyond_the_address_space(case, shape):
    operands = {**operands_for(case, np.float32, 3)}
    for name in case.arrays:
        operands[name] = as_strided(np.ones(1, np.float32), shape, (0,) * len(shape))
    if 0 in shape:
        assert case.call(operands).shape == shape
        return
    with pytest.raises((MemoryError, ValueError)):
        case.call(operands)
    out = np.full(3, 7, np.float32)
    with pytest.raises(ValueError, match=f"^{case.name}: out has shape"):
        case.call(operands, out=out)
    assert (out == 7).all()


@each_function
@each_itemsize
def test_64_dimensions(case, dtype):
    """NumPy's maximum; 14 of them cannot be merged with the next one."""
    operands = operands_for(case, dtype, (2,) * 13 + (3,))
    shape = (1,) * 50 + operands["x"].shape
    expected = case.expected(operands).reshape(shape)
    for name in case.arrays:
        wide = np.zeros((1,) * 50 + (4,) * 14, dtype)[(..., *[slice(None, None, 2)] * 13, slice(3))]
        wide[...] = operands[name].reshape(shape)
        operands[name] = wide
    assert_same(case.call(operands), expected)
    assert_same(case.call_ufunc(operands), expected)
    with pytest.raises(ValueError, match=rf"^{case.name}: out has shape \(3,\); expected \(1, 1"):
        case.call(operands, out=np.zeros(3))


# ---- strides, overlap, keywords


def around(memory, n, step, shift):
    """A view of n elements in the middle of an array."""
    start = len(memory) // 2 + shift - (n // 2) * step
    return memory[start : start + n * step : step] if step > 0 else memory[start : start - n : -1]


@each_function
@each_itemsize
@pytest.mark.parametrize("n", [9, 20_000])
@pytest.mark.parametrize("steps", [(1, 1), (1, -1), (-1, 1), (2, 1), (1, 2), (3, 2)], ids=str)
@pytest.mark.parametrize("shift", [-1, 0, 5])
def test_out_overlaps_all_inputs(case, dtype, n, steps, shift):
    """The result is as if the inputs had been copied first."""
    numbers = operands_for(case, dtype, 8 * n)["x"]
    for call in (case.call, case.call_ufunc):
        memory = numbers.copy()
        operands = operands_for(case, dtype, n)
        for k, name in enumerate(case.arrays):
            operands[name] = around(memory, n, steps[0], k)
        for k, name in enumerate(case.factors):
            operands[name] = around(memory, n, 1, -k)
        expected = case.expected(operands)
        out = around(memory, n, steps[1], shift)
        assert call(operands, out=out) is out
        assert_same(out, expected)


@each_function
@each_itemsize
def test_an_out_whose_elements_share_one_address(case, dtype):
    """It holds one of the results, and its neighbours are unchanged."""
    for n in (9, 20_000):
        memory = np.full(3, 7, dtype)
        operands = {**operands_for(case, dtype, n), **dict.fromkeys(case.arrays, np.ones(n, dtype))}
        case.call(operands, out=as_strided(memory[1:], (n,), (0,)))
        (one,) = case.expected({**operands, **dict.fromkeys(case.arrays, np.ones(1, dtype))})
        assert_same_bits(memory, np.array([7, one, 7], dtype))


@each_function
@each_itemsize
def test_sliding_windows(case, dtype):
    memory = operands_for(case, dtype, 300)["x"]
    item = memory.itemsize
    operands = operands_for(case, dtype, 3)
    for name in case.arrays:
        operands[name] = as_strided(memory, (200, 101), (item, item))
    assert_same(case.call(operands), case.expected(operands))


class TupleOfOne(tuple):
    pass


# NumPy 2.0.0 has an internal error for the class numpy.dtype, also in its own functions.
ERRORS_OF_CLASS = RuntimeError if np.__version__ == "2.0.0" else TypeError
REFUSED = {
    "out: an empty tuple": ({"out": ()}, "out is a tuple of 0"),
    "out: a tuple of something": ({"out": (7,)}, "out is of type int"),
    "out: a tuple in a tuple": ({"out": ((None,),)}, "out is of type tuple"),
    "out: a named tuple": ({"out": TupleOfOne((np.ones(3),))}, "out is of type TupleOfOne"),
    "out: a number": ({"out": np.float32(1)}, "out is of type float32"),
    "out: a type": ({"out": np.ndarray}, "out is of type type"),
    "out: a complex number": ({"out": 1j}, "out is of type complex"),
    "dtype: a record": ({"dtype": [("a", "f4")]}, "dtype is "),
    "dtype: byte-swapped": ({"dtype": np.dtype("f4").newbyteorder()}, "dtype is "),
    "dtype: a subarray": ({"dtype": "(2,)f4"}, "dtype is "),
    "dtype: no such": ({"dtype": "no such"}, None),
    "dtype: a number": ({"dtype": 5}, None),
    "dtype: an object": ({"dtype": object()}, None),
    "dtype: the class numpy.dtype": ({"dtype": np.dtype}, None),
    "casting: no such": ({"casting": "same_kindly"}, None),
    "casting: a number": ({"casting": 5}, None),
    "casting: None": ({"casting": None}, None),
    "casting: an array": ({"casting": np.array(["no", "safe"])}, None),
    "order: no such": ({"order": "Z"}, None),
    "order: a number": ({"order": 5}, None),
    "order: empty": ({"order": ""}, None),
    "subok: a number": ({"subok": 1}, None),
    "subok: None": ({"subok": None}, None),
    "where: of another shape": ({"where": np.ones(4, bool)}, None),
    "where: numbers": ({"where": np.ones(3)}, None),
    "where: records": ({"where": np.zeros(3, [("a", "?")])}, None),
    "where: ragged": ({"where": [[True], [True, False]]}, None),
    "signature": ({"signature": "ff->f"}, r"^{}\(\) got an unexpected keyword"),
    "axis": ({"axis": 0}, r"^{}\(\) got an unexpected keyword"),
    "x": ({"x": np.ones(3)}, r"^{}\(\) got an unexpected keyword"),
}


@each_function
@pytest.mark.parametrize(("keywords", "message"), REFUSED.values(), ids=REFUSED)
def test_keywords_that_are_refused(case, keywords, message):
    out = np.full(3, 7, np.float32)
    keywords = {"out": out, **keywords}
    if message is not None:
        message = message.format(case.name) if "{}" in message else f"^{case.name}: {message}"
    errors = ERRORS_OF_CLASS if keywords.get("dtype") is np.dtype else (TypeError, ValueError)
    with pytest.raises(errors, match=message):
        case.call(operands_for(case, np.float32, 3), **keywords)
    assert (out == 7).all()


UNUSUAL = {
    "out: None in a tuple": {"out": (None,)},
    "order: None, as NumPy": {"order": None},
    "order: lower case": {"order": "c"},
    "casting: an equal string": {"casting": "".join(["same", "_kind"])},
    "dtype: a class": {"dtype": np.dtypes.Float32DType},
    "casting: bytes, as NumPy": {"casting": b"same_kind"},
    "subok: NumPy's True": {"subok": bool(np.True_)},
    "where: NumPy's True": {"where": np.True_, "out": np.zeros(3, np.float32)},
    "where: a list": {"where": [True, True, True], "out": np.zeros(3, np.float32)},
    "where: an object": {"where": object(), "out": np.zeros(3, np.float32)},
}


@each_function
@pytest.mark.parametrize("keywords", UNUSUAL.values(), ids=UNUSUAL)
def test_keywords_that_change_nothing(case, keywords):
    operands = operands_for(case, np.float32, 3)
    assert_same(case.call(operands, **keywords), case.expected(operands))


def test_the_wrong_number_of_arguments():
    x = np.ones(3)
    for case in CASES:
        taken = len(case.arrays) + len(case.factors_before_out) + 1
        with pytest.raises(TypeError, match=f"^{case.name}"):
            case.function(*[x] * (taken + 1))
        with pytest.raises(TypeError, match=f"^{case.name}"):
            case.function(*[x] * (len(case.arrays) - 1))
    with pytest.raises(TypeError, match="multiple values"):
        cyrelu.leaky_relu(x, 0.1, negative_slope=0.1)
