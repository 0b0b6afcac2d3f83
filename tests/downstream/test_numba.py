"""The functions inside functions that Numba compiles have the dtype and bits of Python calls."""

import itertools
import subprocess
import sys
import textwrap

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from cases import CASES  # noqa: E402
from numba.core.errors import TypingError  # noqa: E402
from oracle import assert_same_bits  # noqa: E402

import cyrelu  # noqa: E402

EDGES = [np.nan, -np.inf, -1e30, -1.5, -1e-45, -0.0, 0.0, 1e-45, 0.1, 2.0, 1e30, np.inf]
FACTORS = [0.0, 1.0, 0.01, -2.0, np.inf, np.nan]


def compiled(case):
    """A function that numba.njit has made of a call: it takes what the ufunc takes."""
    passed = [*case.arrays, *(f"{name}={name}" for name in case.factors)]
    call = f"cyrelu.{case.name}({', '.join(passed)})"
    return numba.njit(eval(f"lambda {', '.join(case.operands)}: {call}"))


COMPILED = {case.name: compiled(case) for case in CASES}
relu, leaky_relu, add_relu = (COMPILED[name] for name in ("relu", "leaky_relu", "add_relu"))
each_compiled = pytest.mark.parametrize(
    ("case", "compiled"), [(case, COMPILED[case.name]) for case in CASES], ids=COMPILED
)


def assert_same_call(compiled, *operands):
    with np.errstate(all="ignore"):
        assert_same_bits(compiled(*operands), compiled.py_func(*operands))


def test_every_function_is_there():
    assert sorted(COMPILED) == sorted(cyrelu.ufuncs.__all__)


@each_compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edge_values_with_every_factor(case, compiled, dtype):
    pairs = np.array(list(itertools.product(EDGES, repeat=len(case.arrays))), dtype).T
    for values in itertools.product(FACTORS, repeat=len(case.factors)):
        assert_same_call(compiled, *map(np.ascontiguousarray, pairs), *values)


@each_compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_scalars(case, compiled, dtype):
    for numbers in itertools.product([-2, 0, 3], repeat=len(case.arrays)):
        operands = [*map(dtype, numbers), *[0.5] * len(case.factors)]
        expected = compiled.py_func(*operands)
        # Numba returns Python's numbers.
        assert_same_bits(np.asarray(compiled(*operands), expected.dtype), expected)


@each_compiled
@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "H", "i", "I", "l", "L"])
def test_integers(case, compiled, dtype):
    if dtype == "?" and case.oracle.refuses_bools:
        pytest.skip("takes no bools alone")
    x = np.array([0, 1, 100, 255, 2**62]).astype(dtype)
    assert_same_call(compiled, *[x, x[::-1].copy()][: len(case.arrays)], *[0.5] * len(case.factors))


@pytest.mark.parametrize(
    ("dtype", "y"), [(np.int8, 1), (np.int8, 1.5), (np.bool_, 1), (np.float32, 2)]
)
def test_a_scalar_beside_an_array_is_weak(dtype, y):
    assert_same_call(add_relu, np.array([0, 1], dtype), y)


def test_arrays_of_factors_broadcast():
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    assert_same_call(leaky_relu, x, np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    assert_same_call(leaky_relu, x, np.array([0.1, 0.2, 0.3, 0.4]))
    assert_same_call(add_relu, x, np.ones(4, np.float32))


def test_strided_operands():
    x = np.linspace(-2, 2, 24, dtype=np.float32).reshape(4, 6)
    for view in (x[:, ::2], x.T, x[::-1]):
        assert_same_call(leaky_relu, view, 0.1)


def test_out():
    @numba.njit
    def in_place(x):
        return cyrelu.leaky_relu(x, 0.5, x)

    @numba.njit
    def by_keyword(x, out):
        cyrelu.relu(x, out=out)

    x = np.array([-2.0, 3.0], np.float32)
    out = np.empty_like(x)
    by_keyword(x, out)
    assert out.tolist() == [0, 3]
    assert in_place(x).tolist() == x.tolist() == [-1, 3]


def test_defaults():
    @numba.njit
    def defaults(grad, x):
        return (
            cyrelu.leaky_relu(x),
            cyrelu.relu_grad(x),
            cyrelu.leaky_relu_backward(grad, x),
        )

    x = np.array([-2.0, 0.0, 3.0], np.float32)
    for result, expected in zip(defaults(x, x), defaults.py_func(x, x), strict=False):
        assert_same_bits(result, expected)


def test_a_loop_of_scalars_with_threads():
    @numba.njit(parallel=True)
    def rectified(x):
        out = np.empty_like(x)
        for i in numba.prange(len(x)):
            out[i] = cyrelu.leaky_relu(x[i], 0.1)
        return out

    x = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert_same_bits(rectified(x), cyrelu.leaky_relu(x, 0.1))


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ((np.ones(2, np.complex128),), "cyrelu.relu: x is array(complex128"),
        ((1j,), "cyrelu.relu: x is complex128"),
        (("text",), "cyrelu.relu: x is unicode_type"),
        (((1.0, 2.0),), "cyrelu.relu: x is UniTuple"),
    ],
)
def test_other_operands_are_errors_that_name_them(operands, message):
    with pytest.raises(TypingError) as error:
        relu(*operands)
    assert message in str(error.value)


def test_other_keywords_are_errors_that_name_them():
    @numba.njit
    def masked(x):
        return cyrelu.relu(x, where=True)

    with pytest.raises(TypingError, match="where"):
        masked(np.ones(2))


def test_an_out_of_another_dtype_is_an_error():
    @numba.njit
    def into(x, out):
        return cyrelu.relu(x, out)

    with pytest.raises(TypingError) as error:
        into(np.ones(2), np.ones(2, np.float32))
    assert "cyrelu.relu: out is array(float32, 1d, C); expected None or an array of float64" in (
        str(error.value)
    )


def test_numba_finds_the_functions_without_an_import_of_its_own():
    program = """
        import cyrelu, numba, sys
        assert not any(name.startswith("cyrelu._numba") for name in sys.modules)
        @numba.njit
        def f(x):
            return cyrelu.relu(x)
        print(f(-1.0), f(2.0))
    """
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "0.0 2.0\n"
