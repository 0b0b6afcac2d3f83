"""What comes in comes out: every dtype, every value of the small ones, on every path.

The table of the results' dtypes is written by hand: it is the contract.
"""

import itertools

import numpy as np
import pytest
from cases import (
    CASES,
    FACTORS,
    TAKE_INTEGERS,
    assert_same_on_every_path,
    bfloat16,
    each_function,
    each_pair,
    name_of,
    nan_payloads,
)
from fresh_process import run_python
from oracle import assert_same, assert_same_bits, bits

import cyrelu
from cyrelu import _testing

AVAILABLE = cyrelu.show_config("dicts")["instruction_set"]["available"]
needs_bfloat16 = pytest.mark.skipif(bfloat16 is None, reason="ml_dtypes is not installed")

# ---- the dtype of the result

ARRAYS = ["?", "i1", "i2", "i8", "u8", "f2", "f4", "f8", *(["bf16"] if bfloat16 else [])]
OF_RELU = {"?": "?", "i1": "i1", "i2": "i2", "i8": "i8", "u8": "u8"}
OF_RELU |= {"f2": "f2", "f4": "f4", "f8": "f8", "bf16": "bf16"}
# By the dtype of the arrays and the kind of factor: those of NumPy's promotion, except that bool
# and integers alone give float64. (Those of functions that take integers are below.)
INTEGERS = {"Python bool": "f8", "Python int": "f8", "Python float": "f8", "i1": "f8", "i8": "f8"}
INTEGERS |= {"f4": "f4", "f8": "f8"}
WITH_FACTOR = {
    "?": {**INTEGERS, "f2": "f2", "bf16": "bf16"},
    "i1": {**INTEGERS, "f2": "f2", "bf16": "bf16"},
    "i2": {**INTEGERS, "f2": "f4", "bf16": "f4"},
    "i8": {**INTEGERS, "f2": "f8", "f4": "f8", "bf16": "f8"},
    "u8": {**INTEGERS, "f2": "f8", "f4": "f8", "bf16": "f8"},
    "f2": {
        "Python bool": "f2",
        "Python int": "f2",
        "Python float": "f2",
        "i1": "f2",
        "i8": "f8",
        "f2": "f2",
        "f4": "f4",
        "f8": "f8",
        "bf16": "f4",
    },
    "f4": {
        "Python bool": "f4",
        "Python int": "f4",
        "Python float": "f4",
        "i1": "f4",
        "i8": "f8",
        "f2": "f4",
        "f4": "f4",
        "f8": "f8",
        "bf16": "f4",
    },
    "f8": dict.fromkeys([*INTEGERS, "f2", "bf16"], "f8"),
    "bf16": {
        "Python bool": "bf16",
        "Python int": "bf16",
        "Python float": "bf16",
        "i1": "bf16",
        "i8": "f8",
        "f2": "f4",
        "f4": "f4",
        "f8": "f8",
        "bf16": "bf16",
    },
}
# The same of functions that take integers as they are, where it differs.
OF_INTEGERS = {
    "?": {"Python bool": "?", "Python int": "i8", "i1": "i1", "i8": "i8"},
    "i1": {"Python bool": "i1", "Python int": "i1", "i1": "i1", "i8": "i8"},
    "i2": {"Python bool": "i2", "Python int": "i2", "i1": "i2", "i8": "i8"},
    "i8": {"Python bool": "i8", "Python int": "i8", "i1": "i8", "i8": "i8"},
    "u8": {"Python bool": "u8", "Python int": "u8"},
}


def dtype_of(name):
    return np.dtype(bfloat16 if name == "bf16" else name)


def a_factor(kind):
    numbers = {"Python bool": True, "Python int": 2, "Python float": 0.5}
    return numbers[kind] if kind in numbers else dtype_of(kind).type(2)


@pytest.mark.parametrize("given", ARRAYS)
def test_the_dtype_of_relu(given):
    x = np.ones(5, dtype_of(given))
    for call in (cyrelu.relu, cyrelu.ufuncs.relu):
        assert call(x).dtype == dtype_of(OF_RELU[given])
        assert call(x[::2]).dtype == dtype_of(OF_RELU[given])
        assert type(call(x[0])) is dtype_of(OF_RELU[given]).type


@each_function
@pytest.mark.parametrize("given", ARRAYS)
def test_the_dtype_of_the_others(case, given):
    if not case.factors:
        pytest.skip("has no factor")
    of_integers = OF_INTEGERS.get(given, {}) if case.oracle.takes_integers else {}
    for kind, wanted in (WITH_FACTOR[given] | of_integers).items():
        if "bf16" in (given, kind) and bfloat16 is None:
            continue
        factors = [a_factor(kind)]
        if kind in ARRAYS:
            factors += [np.full(5, 2, dtype_of(kind))]
        for factor in factors:
            operands = dict.fromkeys(case.arrays, np.ones(5, dtype_of(given)))
            operands |= dict.fromkeys(case.factors, factor)
            assert case.call(operands).dtype == dtype_of(wanted), kind
            assert case.call_ufunc(operands).dtype == dtype_of(wanted), kind


def test_mixed_arrays_promote_as_numpy_promotes_them():
    for one, other, wanted in [
        ("f4", "f8", "f8"),
        ("f2", "f4", "f4"),
        ("i1", "f4", "f4"),
        ("i4", "f4", "f8"),
        ("i1", "i2", "f8"),
    ]:
        for given in ((one, other), (other, one)):
            grad, x = (np.ones(3, each) for each in given)
            assert cyrelu.relu_backward(grad, x).dtype == wanted


# ---- every value of the dtypes of 8 and 16 bits, and of relu's other integers

TESTED_FACTORS = [*FACTORS.values(), 1e-7, 60000.0]


@pytest.fixture(params=itertools.product(AVAILABLE, (0, 2**62)), ids=str)
def isa_and_streaming(request):
    isa, stream = request.param
    _testing.set_instruction_set(isa)
    _testing.set_stream_threshold(stream)
    yield
    _testing.set_instruction_set(AVAILABLE[-1])
    _testing.set_stream_threshold()


def every_pattern(dtype):
    size = np.dtype(dtype).itemsize
    return np.arange(2 ** (8 * size), dtype=f"u{size}").view(dtype)


def selected_nans(case, operands):
    """Where the result is a NaN that the oracle selects, which then has the bits of an operand.

    Arithmetic makes a NaN quiet; only what is copied remains a signalling one.
    """
    signalling = nan_payloads(operands["x"].dtype)[-1]
    marked = {
        name: np.where(np.isnan(operands[name]), signalling, operands[name]) for name in case.arrays
    }
    return bits(case.expected(operands | marked)) == bits(signalling)


@pytest.mark.thread_unsafe(reason="changes the instruction set of the process")
@each_pair(most_bytes=2)
@np.errstate(all="ignore")
def test_every_pattern(isa_and_streaming, case, dtype):
    """Products are NumPy's, rounded once; what is selected keeps its bits, signalling NaNs too."""
    x = every_pattern(dtype)
    others = [x[::-1].copy(), np.roll(x, 0x8001)] if len(case.arrays) > 1 else [x]
    first_factors = TESTED_FACTORS if case.factors else [None]
    other_factors = (1.0, 0, 0.3, -2, np.nan) if len(case.factors) > 1 else [None]
    for other, first, last in itertools.product(others, first_factors, other_factors):
        given = dict.fromkeys(case.arrays, other) | {"x": x}
        given |= dict.fromkeys(case.factors, last) | dict.fromkeys(case.factors[:1], first)
        operands = {
            name: value if name in case.arrays else dtype(value) for name, value in given.items()
        }
        result, expected = case.call(given), case.expected(operands)
        assert_same(result, expected)
        kept = selected_nans(case, operands)
        np.testing.assert_array_equal(bits(result)[kept], bits(expected)[kept])
        in_arrays = {
            name: np.full(x.shape, value) if np.ndim(value) == 0 else value
            for name, value in operands.items()
        }
        if not any(np.isnan(operands[name]) for name in case.factors):
            assert_same_on_every_path(case, case.call(in_arrays), result, operands)
            strided = in_arrays | {"x": x[::-1][::-1]}
            assert_same_on_every_path(case, case.call(strided), result, operands)


@pytest.mark.thread_unsafe(reason="changes the instruction set of the process")
@pytest.mark.parametrize(
    ("case", "char"),
    [(case, char) for case in TAKE_INTEGERS for char in case.integers],
    ids=name_of,
)
def test_integers_are_exact(isa_and_streaming, case, char):
    """All of 8 and 16 bits, the edges of 32 and 64."""
    dtype = np.dtype(char)
    if dtype.itemsize <= 2:
        x = np.arange(2 ** (8 * dtype.itemsize)).astype(dtype)
    else:
        info = np.iinfo(dtype)
        edges = [info.min, info.min + 1, info.max, info.max - 1, 0, 1]
        edges += [value for value in (-1, 2**24 + 1, 2**53 + 1) if info.min <= value <= info.max]
        x = np.array(edges * 1000, dtype)
    arrays = dict.fromkeys(case.arrays, x[::-1].copy()) | {"x": x}

    def call(change, **keywords):
        changed = {name: change(array) for name, array in arrays.items()}
        return case.call(changed | case.factors_for(char), **keywords)

    expected = case.expected(arrays | case.factors_for(char))
    assert_same_bits(call(np.copy), expected)
    assert_same_bits(call(lambda array: array[::-3]), expected[::-3])
    assert_same_bits(call(np.copy, out=np.empty_like(x)), expected)
    assert_same_bits(call(lambda array: array.astype(dtype.newbyteorder())), expected)
    assert call(np.copy).dtype.char == char
    assert type(call(lambda array: array[0])) is type(x[0])
    call(lambda array: array, out=x)
    assert_same_bits(x, expected)


def test_python_integers():
    for number in (0, 5, -5, 2**53 + 1, 2**63 - 1, -(2**63)):
        result, expected = cyrelu.relu(number), np.maximum(number, 0)
        assert (type(result), result) == (type(expected), expected)
    for number in (2**63, -(2**63) - 1, 2**100):
        for out in (None, np.empty(3, np.int64)):
            with pytest.raises(OverflowError, match=f"^relu: x is {number}; expected a number"):
                cyrelu.relu(number, out=out)
    for case in CASES:
        kind = np.int64 if case.oracle.takes_integers else np.float64
        assert type(case.call(dict.fromkeys(case.operands, 3))) is kind


def test_lists():
    for numbers in ([1, -2, 2**53 + 1], [1.5, -2], [[True, False]], (1, -1), []):
        assert_same(cyrelu.relu(numbers), np.maximum(numbers, np.zeros_like(numbers)))
    assert cyrelu.leaky_relu([1, -2]).dtype == np.float64
    assert cyrelu.relu_backward([1, 2], np.array([1, -2], np.float32)).dtype == np.float64


# ---- bfloat16 is another package's

REFUSED_TYPES = ["float8_e4m3fn", "float8_e5m2", "int4", "uint4", "float8_e8m0fnu", "int2"]


@needs_bfloat16
@pytest.mark.parametrize("casting", ["safe", "same_kind", "unsafe"])
def test_python_numbers_beside_bfloat16(casting):
    """They become numbers of the dtype that is computed in, under any casting."""
    x = np.array([1, -2, -3], bfloat16)
    for given in (x, x[::2], x[0]):
        slope = bfloat16(0.01)
        assert_same(
            cyrelu.leaky_relu(given, 0.01, casting=casting),
            np.where(given > 0, given, slope * given),
        )
        wide = given.astype(np.float64)
        result = cyrelu.leaky_relu(given, 0.01, casting=casting, dtype=np.float64)
        assert_same(result, np.where(wide > 0, wide, 0.01 * wide))


@needs_bfloat16
@pytest.mark.parametrize(
    ("case", "name"),
    [(case, each) for case in CASES for each in REFUSED_TYPES if each not in case.oracle.dtypes],
    ids=name_of,
)
def test_its_other_types_are_refused(case, name):
    import ml_dtypes

    if not hasattr(ml_dtypes, name):
        pytest.skip("this version of ml_dtypes lacks it")
    operands = dict.fromkeys(case.operands, 1.0)
    operands["x"] = np.ones(3, getattr(ml_dtypes, name))
    message = f"x has dtype {name}; expected {case.inputs_in_words}"
    with pytest.raises(TypeError, match=f"^{case.name}: {message}"):
        case.call(operands)
    with pytest.raises(TypeError):
        case.call_ufunc(operands)


@needs_bfloat16
@pytest.mark.thread_unsafe(reason="starts processes, once is enough")
@pytest.mark.parametrize("modules", ["cyrelu, ml_dtypes", "ml_dtypes, cyrelu"])
def test_its_other_types_are_refused_whichever_is_imported_first(modules):
    """ml_dtypes adds its types to NumPy's own list of types."""
    code = f"""
        import {modules}
        import numpy as np
        from cases import CASES
        from test_dtypes import REFUSED_TYPES

        for case in CASES:
            for name in {{*REFUSED_TYPES}} - {{*case.oracle.dtypes}}:
                operands = dict.fromkeys(case.operands, 1.0)
                operands["x"] = np.ones(3, getattr(ml_dtypes, name, complex))
                for call in (case.call, case.call_ufunc):
                    try:
                        print(case.name, name, call(operands).dtype)
                    except TypeError:
                        pass
    """
    finished = run_python(code)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


FIRST_CALLS = {
    "the function": "cyrelu.leaky_relu(x)",
    "the function, strided": "cyrelu.leaky_relu(x[::2])",
    "a scalar": "cyrelu.leaky_relu(x[0])",
    "the ufunc": "cyrelu.ufuncs.leaky_relu(x, 0.01)",
    "the ufunc, with its number": "cyrelu.ufuncs.leaky_relu(x, ml_dtypes.bfloat16(0.01))",
    "out": "cyrelu.ufuncs.leaky_relu(x, 0.01, out=np.empty_like(x))",
    "dtype": "cyrelu.leaky_relu(np.ones(3, np.float32), dtype=ml_dtypes.bfloat16)",
    "resolve_dtypes": "np.empty(0, cyrelu.ufuncs.leaky_relu.resolve_dtypes("
    "(x.dtype, float, None))[-1])",
    "where": "cyrelu.leaky_relu(x, where=[True], out=np.empty_like(x))",
    "two threads": "at_once(lambda: cyrelu.ufuncs.leaky_relu(x, 0.01))",
}
FIRST_CALL = """
    import threading
    import numpy as np
    import {first}, {second}

    def at_once(call):
        results, barrier = [], threading.Barrier(2)
        def run():
            barrier.wait()
            results.append(call())
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert results[0].dtype == results[1].dtype
        return results[0]

    x = np.array([1, -2, 0], ml_dtypes.bfloat16)
    for _ in range(2):
        print({call}.dtype)
    print(cyrelu.leaky_relu(x).astype(float).tolist())
"""


@needs_bfloat16
@pytest.mark.thread_unsafe(reason="starts processes, once is enough")
@pytest.mark.parametrize("call", FIRST_CALLS.values(), ids=FIRST_CALLS)
@pytest.mark.parametrize("first", ["cyrelu", "ml_dtypes"])
def test_whatever_the_first_call_is(first, call):
    """NumPy remembers which loop it has found: no call may come before the one for bfloat16."""
    second = {"cyrelu": "ml_dtypes", "ml_dtypes": "cyrelu"}[first]
    finished = run_python(FIRST_CALL.format(first=first, second=second, call=call))
    lines = finished.stdout.splitlines()
    assert lines == ["bfloat16", "bfloat16", "[1.0, -0.02001953125, 0.0]"], finished.stderr


@pytest.mark.thread_unsafe(reason="starts a process, once is enough")
def test_ml_dtypes_is_never_imported():
    code = """
        import sys
        import numpy as np, cyrelu
        cyrelu.relu(np.ones(3, np.float16))
        cyrelu.relu(np.float16(1))
        try:
            cyrelu.relu(np.complex64(1))
        except TypeError as error:
            print(error)
        print("ml_dtypes" in sys.modules)
    """
    finished = run_python(code)
    assert finished.stdout.splitlines()[-1] == "False", finished.stderr
