"""Bad input: the error names the function, the argument, what was passed and what was expected.

The error leaves out unchanged.
"""

import datetime
import decimal

import numpy as np
import pytest
from cases import CASES, each_function, each_function_and_dtype, operands_for

import cyrelu

WRONG_INPUTS = {
    "complex": (np.array([1j, 2, 3]), "complex128"),
    "a complex number": (1j, "complex128"),
    "object": (np.array([1, None, 3]), "object"),
    "decimal": (decimal.Decimal(1), "object"),
    "None": (None, "object"),
    "string": (np.array(["1", "2", "3"]), "<U1"),
    "a string": ("one", "<U3"),
    "bytes": (b"one", r"\|S3"),
    "datetime": (np.array(["2026-01-01"] * 3, "datetime64[D]"), r"datetime64\[D\]"),
    "timedelta": (np.timedelta64(1, "D"), r"timedelta64\[D\]"),
    "a Python datetime": (datetime.datetime(2026, 1, 1), "object"),
    "record": (np.zeros(3, [("a", "f4")]), r"\[\('a', '<f4'\)\]"),
    "long double": pytest.param(
        (np.ones(3, np.longdouble), rf"{np.dtype(np.longdouble).name} \(np\.longdouble\)"),
        marks=pytest.mark.skipif(
            np.dtype(np.longdouble).itemsize == 8, reason="long double is float64 here"
        ),
    ),
}


@each_function
@pytest.mark.parametrize("wrong", WRONG_INPUTS.values(), ids=WRONG_INPUTS)
def test_an_input_of_a_wrong_type(case, wrong):
    value, dtype = wrong
    for name in case.operands:
        operands = operands_for(case, np.float64, 3)
        operands[name] = value
        out = np.full(3, 7.0)
        with pytest.raises(
            TypeError,
            match=rf"^{case.name}: {name} has dtype {dtype}.*; expected {case.inputs_in_words}",
        ):
            case.call(operands, out=out)
        assert (out == 7).all()


@each_function_and_dtype
class TestOut:
    """Each kind of unusable out, on the fast path and off it."""

    def check(self, case, dtype, out, error, message, **keywords):
        operands = operands_for(case, dtype, (3, 4))
        before = np.copy(out)
        with pytest.raises(error, match=f"^{case.name}: {message}"):
            case.call(operands, out=out, **keywords)
        np.testing.assert_array_equal(out, before)

    @pytest.mark.parametrize("shape", [(4,), (3,), (4, 3), (3, 1), (12,), (3, 4, 1), ()], ids=str)
    def test_of_a_wrong_shape(self, case, dtype, shape):
        expected = rf"out has shape \({str(shape)[1:-1]}\); expected \(3, 4\)"
        self.check(case, dtype, np.full(shape, 7, dtype), ValueError, expected)

    def test_that_is_read_only(self, case, dtype):
        out = np.full((3, 4), 7, dtype)
        out.flags.writeable = False
        self.check(case, dtype, out, ValueError, "out is read-only; expected a writeable array")

    @pytest.mark.parametrize("other", ["int64", "bool"])
    def test_of_a_wrong_dtype(self, case, dtype, other):
        message = f"out has dtype {other}; expected one that {np.dtype(dtype)} casts to"
        self.check(case, dtype, np.ones((3, 4), other), TypeError, message)

    def test_narrower_under_safe_casting(self, case, dtype):
        message = f"out has dtype int16; expected one that {np.dtype(dtype)} casts to"
        self.check(case, dtype, np.ones((3, 4), np.int16), TypeError, message, casting="safe")

    def test_that_is_not_an_array(self, case, dtype):
        message = r"out is of type list; expected a numpy\.ndarray"
        self.check(case, dtype, [7.0] * 12, TypeError, message)

    def test_that_is_two_arrays(self, case, dtype):
        out = (np.full((3, 4), 7, dtype), np.full((3, 4), 7, dtype))
        self.check(case, dtype, out, ValueError, "out is a tuple of 2; expected one array")


FACTORS = {
    "default": None,
    "Python bool": True,
    "Python int": 2,
    "Python float": 0.5,
    "large Python int": 2**70,
    "int8": np.int8(2),
    "float16": np.float16(0.5),
    "float32": np.float32(0.5),
    "float64": np.float64(0.5),
    "int8 array": np.ones(3, np.int8),
    "float32 array": np.ones(3, np.float32),
    "float64 0-d": np.array(0.5),
}
INPUTS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4"]


@each_function
@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("given", [*INPUTS, "Python bool", "Python int", "Python float"])
@np.errstate(over="ignore")  # a large int beside float16
def test_the_dtype_of_the_result_that_an_error_names(case, given, factor):
    """It is the dtype that the function returns for these operands."""
    numbers = {"Python bool": True, "Python int": 1, "Python float": 1.0}
    value = numbers[given] if given in numbers else np.ones(3).astype(given)
    if case.oracle.refuses_bools and np.asarray(value).dtype == bool:
        pytest.skip("takes no bools alone")
    operands = dict.fromkeys(case.arrays, value) | case.factors_for(np.asarray(value).dtype)
    if factor is not None:
        operands |= dict.fromkeys(case.factors, factor)
    is_large = case.factors and factor is FACTORS["large Python int"]
    if is_large and np.asarray(value).dtype.char in case.integers:
        pytest.skip("does not fit into the integers")
    first, *others = case.arrays
    mixed_operands = [{first: np.ones(3, np.float32)}, {first: np.float64(1)}] if others else []
    for mixed in ({}, *mixed_operands):
        for keywords in ({}, {"dtype": np.float32}, {"dtype": "f8"}):
            result = case.call(operands | mixed, **keywords)
            message = f"out has dtype datetime64.*; expected one that {result.dtype} casts to"
            with pytest.raises(TypeError, match=f"^{case.name}: {message}"):
                case.call(operands | mixed, out=np.ones(np.shape(result), "M8[s]"), **keywords)


@each_function
def test_a_dtype_without_a_loop(case):
    message = f"dtype is complex64; expected {case.dtypes_in_words}"
    with pytest.raises(TypeError, match=f"^{case.name}: {message}"):
        case.call(operands_for(case, np.float32, 3), dtype=np.complex64)


@each_function
def test_a_dtype_to_which_the_input_does_not_cast(case):
    if case.oracle.takes_integers:
        message = "expected one that casts to dtype=int64 under casting="
        message = f"{case.arrays[0]} has dtype float32; {message}"
    else:
        message = f"dtype is int64; expected {case.dtypes_in_words}"
    with pytest.raises(TypeError, match=f"^{case.name}: {message}"):
        case.call(operands_for(case, np.float32, 3), dtype=np.int64)


def test_shapes_that_do_not_broadcast():
    message = r"^{}: {} has shape \(3,\), {} has shape \(4,\).*expected shapes that broadcast"
    for case in CASES:
        if len(case.arrays) == 2:
            with pytest.raises(ValueError, match=message.format(case.name, *case.arrays)):
                case.function(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match=r"^leaky_relu: x has shape \(3,\), negative_slope has"):
        cyrelu.leaky_relu(np.ones(3), np.ones(4))


@each_function
def test_an_unknown_keyword(case):
    operands = operands_for(case, np.float32, 3)
    with pytest.raises(
        TypeError, match=rf"{case.name}\(\) got an unexpected keyword argument 'axis'"
    ):
        case.call(operands, axis=0)


@each_function
def test_arrays_are_positional(case):
    with pytest.raises(TypeError, match=case.name):
        case.function(**{name: np.ones(3) for name in case.arrays})
    with pytest.raises(TypeError, match=case.name):
        case.function()


@each_function
@pytest.mark.parametrize(
    ("keyword", "value"), [("casting", "no such"), ("order", "X"), ("subok", "yes")]
)
def test_a_wrong_value_of_a_ufuncs_keyword(case, keyword, value):
    with pytest.raises((TypeError, ValueError)):
        case.call(operands_for(case, np.float32, 3), **{keyword: value})


@pytest.mark.parametrize("method", ["__array__", "__array_ufunc__", "__float__"])
def test_an_error_raised_by_an_argument_is_kept(method):
    class Broken:
        pass

    def fail(*args, **keywords):
        raise LookupError("mine")

    setattr(Broken, method, fail)
    if method == "__float__":  # not called: to NumPy this is an object array
        with pytest.raises(TypeError, match=r"^relu: x has dtype object"):
            cyrelu.relu(Broken())
    else:
        with pytest.raises(LookupError, match="mine"):
            cyrelu.relu(Broken())


def test_a_ragged_list_keeps_numpys_message():
    with pytest.raises(ValueError, match="inhomogeneous"):
        cyrelu.relu([[1.0], [1.0, 2.0]])


def test_the_numpy_error_is_the_cause():
    with pytest.raises(TypeError) as caught:
        cyrelu.relu(np.array([1j]))
    assert isinstance(caught.value.__cause__, TypeError)


class TupleOfOne(tuple):
    """A tuple that NumPy takes for an output, not for a tuple of outputs."""


class FalseDtype:
    """An object that NumPy takes for a dtype because of its attribute, although it is false."""

    dtype = np.dtype(np.float32)

    def __bool__(self):
        return False


def ones(n=3):
    return np.ones(n, np.float32)


# Calls with one fault each, and with something unusual that is not a fault.
ONE_FAULT = {
    "a large integer and an out of a wrong dtype": (
        lambda: cyrelu.leaky_relu(ones(), 2**70, out=np.ones(3, int)),
        TypeError,
        r"^leaky_relu: out has dtype int64; expected one that float32 casts to",
    ),
    "a large integer and an out of a wrong shape": (
        lambda: cyrelu.leaky_relu(ones(), 2**70, out=ones(4)),
        ValueError,
        r"^leaky_relu: out has shape \(4,\); expected \(3,\)",
    ),
    "shapes that broadcast to more than the address space": (
        lambda: cyrelu.leaky_relu(
            np.broadcast_to(np.float32(1), (2**35, 1)), np.broadcast_to(np.float32(1), (1, 2**35))
        ),
        ValueError,
        "too large|too big",
    ),
    "more dimensions than np.broadcast_shapes takes": (
        lambda: cyrelu.relu(np.ones((1,) * 33), out=ones()),
        ValueError,
        r"^relu: out has shape \(3,\); expected \(1, 1, ",
    ),
    "the class of a dtype": (
        lambda: cyrelu.relu(ones(), dtype=np.dtypes.Float64DType, out=np.ones(3, int)),
        TypeError,
        r"^relu: out has dtype int64; expected one that float64 casts to",
    ),
    "a dtype that is false": (
        lambda: cyrelu.relu(np.ones(3), dtype=FalseDtype(), out=np.ones(3, int)),
        TypeError,
        r"^relu: out has dtype int64; expected one that float32 casts to",
    ),
    "a tuple of another type": (
        lambda: cyrelu.relu(ones(), out=TupleOfOne((ones(),))),
        TypeError,
        r"^relu: out is of type TupleOfOne; expected a numpy\.ndarray",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ONE_FAULT.values(), ids=ONE_FAULT)
def test_the_explanation_blames_what_is_at_fault(call, error, message):
    with pytest.raises(error, match=message):
        call()


class RaisesForItsName(type):
    @property
    def __name__(cls):
        raise LookupError("the explanation's own")


class RaisesForAnyAttribute(type):
    def __getattr__(cls, name):
        raise LookupError("the explanation's own")


class RaisesForItsItems(tuple):
    def __iter__(self):
        raise LookupError("the explanation's own")


UNEXPLAINED = {
    "type without a name": {"out": RaisesForItsName("Out", (), {})()},
    "type without attributes": {"out": RaisesForAnyAttribute("Out", (), {})()},
    "tuple without items": {"out": RaisesForItsItems()},
    "dtype": {"dtype": "no such"},
    "casting": {"out": np.ones(3), "casting": "no such"},
}


@each_function
@pytest.mark.parametrize("keywords", UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_what_cannot_be_explained_keeps_numpys_words(case, keywords):
    """An error while the explanation is sought says nothing about the call."""
    with pytest.raises((TypeError, ValueError)) as caught:
        case.call(operands_for(case, np.float32, 3), **keywords)
    assert caught.value.__context__ is None or f"{caught.value}".startswith(case.name)
