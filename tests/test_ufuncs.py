"""The ufuncs are NumPy ufuncs, and every keyword of a ufunc works, also in the functions."""

import copy
import inspect
import itertools
import pickle
import warnings
import weakref

import numpy as np
import pytest
from cases import (
    CASES,
    DTYPES,
    each_dtype,
    each_function,
    each_function_and_dtype,
    nan_payloads,
    operands_for,
    sample,
)
from oracle import assert_same, assert_same_bits

import cyrelu


@each_function
def test_is_a_numpy_ufunc(case):
    ufunc = case.ufunc
    assert isinstance(ufunc, np.ufunc)
    assert ufunc.__name__ == case.name
    assert (ufunc.nin, ufunc.nout) == (len(case.operands), 1)
    inputs = len(case.operands)
    assert ufunc.types == [f"{char * inputs}->{char}" for char in f"{case.integers}efd"]
    assert ", ".join(case.operands) in ufunc.__doc__


@each_function
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_by_name(case, protocol):
    for function in (case.ufunc, case.function):
        pickled = pickle.dumps(function, protocol)
        assert pickle.loads(pickled) is function
        assert b"cyrelu._" not in pickled, "it names a private module"


@each_function
def test_the_name_and_module_of_the_function(case):
    assert case.function.__name__ == case.name
    assert case.function.__qualname__ == case.name
    assert case.function.__module__ == "cyrelu"
    assert copy.copy(case.function) is copy.deepcopy(case.function) is case.function
    assert weakref.ref(case.function)() is case.function


@each_function
def test_an_attribute_of_a_class_does_not_become_a_method(case):
    """As for np.tanh: a layer may name its activation in its class."""

    class Layer:
        activation = case.function

    operands = operands_for(case, np.float32, 5)
    assert Layer.activation is Layer().activation is case.function
    arrays = [operands[name] for name in case.arrays]
    assert_same_bits(Layer().activation(*arrays), case.call(operands))


@each_function
def test_python_numbers_are_weak_and_numpys_are_not(case):
    operands = operands_for(case, np.float32, 5)
    assert case.call(operands).dtype == np.float32
    for name in case.factors:
        assert case.call({**operands, name: 2}).dtype == np.float32
        assert case.call({**operands, name: np.float32(2)}).dtype == np.float32
        assert case.call({**operands, name: np.float64(2)}).dtype == np.float64


def test_mixed_dtypes_give_the_wider():
    single, double = np.ones(3, np.float32), np.ones(3, np.float64)
    assert cyrelu.relu_backward(single, double).dtype == np.float64
    assert cyrelu.relu_backward(double, single).dtype == np.float64


@pytest.mark.parametrize(
    ("case", "factor"),
    [pytest.param(case, name, id=f"{case.name}-{name}") for case in CASES for name in case.factors],
)
def test_a_factor_too_large_for_float32_warns_as_numpy_does(case, factor):
    operands = operands_for(case, np.float32, 5)
    infinite = case.call(operands | {factor: -np.inf})
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        np.add(np.float32(1), -1e300)
    for call in (case.call, case.call_ufunc):
        with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
            assert_same(call(operands | {factor: -1e300}), infinite)


@each_function_and_dtype
def test_scalars_give_scalars(case, dtype):
    operands = {name: dtype(-2) for name in case.operands}
    result = case.call(operands)
    assert type(result) is dtype
    assert_same(result, case.expected(operands))
    zero_d = {name: np.array(-2, dtype) for name in case.operands}
    assert type(case.call(zero_d)) is dtype
    out = np.array(0, dtype)
    assert case.call(zero_d, out=out) is out
    assert_same(out, result)


SWAPPED = np.dtype(np.float32).newbyteorder()
KINDS_OF_SCALAR = {
    "Python float": float,
    "float32": np.float32,
    "float64": np.float64,
    "float32, 0-d": lambda value: np.array(value, np.float32),
    "float64, 0-d": lambda value: np.array(value, np.float64),
    "float32, 0-d, byte-swapped": lambda value: np.array(value, "f4").byteswap().view(SWAPPED),
    "float16": np.float16,
}


@each_function
@pytest.mark.parametrize("kind", KINDS_OF_SCALAR)
def test_scalars_of_all_kinds_beside_each_other(case, kind):
    """The type and the bits of the ufunc, whichever path a call takes."""
    others = case.operands[:-1]
    for value, kinds in itertools.product(
        (-2.5, -0.0, 0.1, np.inf, np.nan), itertools.product(KINDS_OF_SCALAR, repeat=len(others))
    ):
        scalars = [KINDS_OF_SCALAR[each](value) for each in (*kinds, kind)]
        operands = dict(zip(case.operands, scalars, strict=True))
        result, expected = case.call(operands), case.call_ufunc(operands)
        assert type(result) is type(expected), kinds
        assert_same(result, expected)


@each_function_and_dtype
@pytest.mark.parametrize("kind", KINDS_OF_SCALAR)
def test_factors_of_all_kinds_beside_arrays(case, dtype, kind):
    operands = operands_for(case, dtype, 600)
    for name, value in itertools.product(case.factors, (-2.5, 0, 0.1, 1, np.nan)):
        operands[name] = KINDS_OF_SCALAR[kind](value)
        with np.errstate(invalid="ignore"):  # NumPy casts signalling NaNs
            assert_same(case.call(operands), case.call_ufunc(operands))


@each_dtype
@pytest.mark.parametrize("shape", [(600,), (600, 500)])
def test_a_slope_in_the_memory_of_out(dtype, shape):
    x = sample(dtype, shape)
    x.flat[7] = 0.3
    expected = cyrelu.leaky_relu(x, dtype(0.3))
    cyrelu.leaky_relu(x, x.reshape(-1)[7:8].reshape(()), out=x)
    assert_same(x, expected)


@each_dtype
def test_the_payload_of_a_scalar(dtype):
    for x in nan_payloads(dtype):
        for given in (x, np.array(x)):
            assert cyrelu.relu(given).tobytes() == x.tobytes()


@each_function_and_dtype
def test_a_dtype_argument_that_changes_nothing(case, dtype):
    operands = operands_for(case, dtype, (20, 30))
    array = operands["x"]
    for x in (array, array.T, array.astype(array.dtype.newbyteorder())):
        same = {**operands, **dict.fromkeys(case.arrays, x)}
        expected = case.call(same)
        for own in (dtype, np.dtype(dtype), np.dtype(dtype).name):
            assert_same(case.call(same, dtype=own), expected)


@each_function
@pytest.mark.parametrize("number", [-2, -2.0, True], ids=repr)
def test_python_numbers_and_lists(case, number):
    operands = dict.fromkeys(case.operands, number)
    if number is True and case.oracle.refuses_bools:
        with pytest.raises(TypeError):
            case.call(operands)
        return
    result = case.call(operands)
    if case.oracle.takes_integers and not isinstance(number, float):
        assert type(result) is (np.bool if number is True else np.int64)
    else:
        assert isinstance(result, np.floating)
    in_lists = {name: [number] * 3 if name in case.arrays else number for name in operands}
    assert_same(case.call(in_lists), np.full(3, result))


@each_function_and_dtype
class TestKeywords:
    def test_out_by_position_and_in_a_tuple(self, case, dtype):
        operands = operands_for(case, dtype, 9)
        expected = case.call(operands)
        out = np.empty(9, dtype)
        assert case.call(operands, out=(out,)) is out
        assert_same_bits(out, expected)
        before_out = [operands[name] for name in (*case.arrays, *case.factors_before_out)]
        assert case.function(*before_out, out) is out
        assert_same_bits(out, expected)

    def test_out_of_another_dtype(self, case, dtype):
        operands = operands_for(case, dtype, 9)
        expected = case.call(operands)
        for other in DTYPES:
            if not np.can_cast(dtype, other, "same_kind"):  # NumPy's, of bfloat16 to float16
                continue
            out = np.empty(9, other)
            with np.errstate(all="ignore"):
                assert case.call(operands, out=out) is out
                assert_same(out, expected.astype(other))

    def test_out_that_is_larger_broadcasts(self, case, dtype):
        operands = operands_for(case, dtype, 9)
        out = np.empty((4, 9), dtype)
        assert case.call(operands, out=out) is out
        assert_same_bits(out, np.broadcast_to(case.call(operands), (4, 9)))

    def test_dtype(self, case, dtype):
        operands = operands_for(case, np.float32, 9)
        with np.errstate(all="ignore"):
            assert case.call(operands, dtype=dtype).dtype == dtype
            assert case.call(operands, dtype=np.dtype(dtype)).dtype == dtype

    def test_casting(self, case, dtype):
        operands = operands_for(case, dtype, 9)
        with np.errstate(all="ignore"):
            case.call(operands, out=np.empty(9, np.int64), casting="unsafe")
            with pytest.raises(TypeError, match=rf"{case.name}: out has dtype int64"):
                case.call(operands, out=np.empty(9, np.int64))

    def test_order(self, case, dtype):
        operands = operands_for(case, dtype, (3, 4))
        for order in "KACF":
            result = case.call(operands, order=order)
            assert result.flags.f_contiguous == (order == "F")
            assert_same(result, case.expected(operands))

    @pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
    def test_subok(self, case, dtype):
        operands = operands_for(case, dtype, (3, 4))
        for name in case.arrays:
            operands[name] = np.asmatrix(operands[name])
        assert type(case.call(operands)) is np.matrix
        assert type(case.call(operands, subok=False)) is np.ndarray

    def test_where(self, case, dtype):
        operands = operands_for(case, dtype, 9)
        chosen = np.arange(9) % 3 == 0
        out = np.full(9, 7, dtype)
        case.call(operands, out=out, where=chosen)
        assert_same(out, np.where(chosen, case.expected(operands), dtype(7)))


class AnswersUfuncs:
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return keywords


# Since 2.4 NumPy warns of where= without out=, and says that out=None is the way to mean it.
WAYS_TO_WRITE_OUT = {
    "not written": {},
    "None": {"out": None},
    "None in a tuple": {"out": (None,)},
    "an array": {"out": np.zeros(9)},
}


@each_function
@pytest.mark.parametrize("written", WAYS_TO_WRITE_OUT.values(), ids=WAYS_TO_WRITE_OUT)
@pytest.mark.parametrize("where", [{}, {"where": np.arange(9) > 4}], ids=["everywhere", "where"])
class TestWhatTheCallerWroteReachesTheUfunc:
    def test_the_same_warnings(self, case, written, where):
        operands = operands_for(case, np.float64, 9)
        texts = []
        for call in (case.call, case.call_ufunc):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                call(operands, **written, **where)
            texts.append([str(warning.message) for warning in caught])
        assert texts[0] == texts[1]
        assert not (written and texts[0])

    def test_the_same_keywords(self, case, written, where):
        operands = {**operands_for(case, np.float64, 9), "x": AnswersUfuncs()}
        expected = case.call_ufunc(operands, **written, **where)
        assert case.call(operands, **written, **where).keys() == expected.keys()


@each_function
def test_out_is_none_by_default_for_those_who_ask(case):
    assert inspect.signature(case.function).parameters["out"].default is None
    assert case.function.__doc__.lstrip()[0].isupper(), "the signature is not part of it"


@each_dtype
def test_reduce_and_accumulate_read_what_was_just_written(dtype):
    """They pass the loop its own output as input, so it must go in order, whatever the size."""
    n = 400_000  # large enough for two threads
    slopes = np.full(n, -1, dtype)
    signs = cyrelu.ufuncs.leaky_relu.accumulate(np.concatenate([[dtype(-1)], slopes]))
    assert_same(signs[:4], np.array([-1, 1, 1, 1], dtype))
    assert (signs[1:] == 1).all()
    halves = np.full(20, 0.5, dtype)
    assert cyrelu.ufuncs.leaky_relu.reduce(np.concatenate([[dtype(-1)], halves])) == -(0.5**20)


@each_dtype
def test_accumulate_is_sequential_above_the_threading_threshold(dtype):
    """-1 * 2 * 0.5 * 2 * ...: each element needs the one before it."""
    steps = np.tile(np.array([2, 0.5], dtype), 200_000)
    got = cyrelu.ufuncs.leaky_relu.accumulate(np.concatenate([[dtype(-1)], steps]))
    assert_same(got[1:], np.tile(np.array([-2, -1], dtype), 200_000))


def test_ufunc_at():
    x = np.array([-1.0, -2.0, 3.0])
    cyrelu.ufuncs.relu.at(x, [0, 2])
    assert_same(x, np.array([0.0, -2.0, 3.0]))


def test_outer():
    assert_same(
        cyrelu.ufuncs.leaky_relu.outer(np.array([-1.0, 2.0]), np.array([0.5, 0.25])),
        np.array([[-0.5, -0.25], [2.0, 2.0]]),
    )


def test_every_operation_is_a_function_and_a_ufunc():
    names = {case.name for case in CASES}
    assert set(cyrelu.ufuncs.__all__) == names
    assert names < set(cyrelu.__all__)
    assert all(hasattr(cyrelu, name) for name in cyrelu.__all__)


def test_large_buffered_casts_match_the_direct_loop():
    x = sample(np.float32, 100_000)
    with np.errstate(all="ignore"):
        assert_same(cyrelu.relu(x.astype(">f4")), cyrelu.relu(x))
