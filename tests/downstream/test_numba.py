"""The functions inside functions that Numba compiles have the dtype and bits of Python calls."""

import itertools
import math
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from cases import CASES  # noqa: E402
from fresh_process import run_python  # noqa: E402
from numba.core.errors import TypingError  # noqa: E402
from oracle import assert_same_bits  # noqa: E402

import cyrelu  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SCALAR = (ROOT / "src/cyrelu/scalar.pxd").read_text(encoding="utf-8")
EDGES = [np.nan, -np.inf, -1e30, -1.5, -1e-45, -0.0, 0.0, 1e-45, 0.1, 2.0, 1e30, np.inf]
FACTORS = [0.0, 1.0, 0.01, -2.0, np.inf, np.nan]


def call_of(case):
    """A call as an expression, of variables that are named as the inputs of the ufunc."""
    passed = [*case.arrays, *(f"{name}={name}" for name in case.factors)]
    return f"cyrelu.{case.name}({', '.join(passed)})"


def compiled(case):
    """A function that numba.njit has made of a call: it takes what the ufunc takes."""
    return numba.njit(eval(f"lambda {', '.join(case.operands)}: {call_of(case)}"))


COMPILED = {case.name: compiled(case) for case in CASES}
relu, leaky_relu, add_relu = (COMPILED[name] for name in ("relu", "leaky_relu", "add_relu"))
each_compiled = pytest.mark.parametrize(
    ("case", "compiled"), [(case, COMPILED[case.name]) for case in CASES], ids=COMPILED
)


def assert_same_call(compiled, *operands):
    with np.errstate(all="ignore"):
        assert_same_bits(compiled(*operands), compiled.py_func(*operands))


@numba.njit
def relu_into(x, out):
    return cyrelu.relu(x, out)


@numba.njit
def add_relu_into(x, y, out):
    return cyrelu.add_relu(x, y, out=out)


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
    x = np.array([0, 1, 100, 255, 2**62, 2**63 + 2**62 + 1], np.uint64).astype(dtype)
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


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("x", "out", "message"),
    [
        (np.ones(2), np.ones(2, np.float32), "array(float32, 1d, C); expected None or a writeable"),
        (np.ones(2), read_only(np.ones(2)), "readonly array(float64, 1d, C); expected None or a"),
        (np.ones((1, 2)), np.ones(2), "array of float64 with 2 or more dimensions"),
    ],
)
def test_an_out_of_another_type_is_an_error(x, out, message):
    with pytest.raises(TypingError) as error:
        relu_into(x, out)
    assert "cyrelu.relu: out is" in str(error.value)
    assert message in str(error.value)


SHAPES = [(), (0,), (1,), (3,), (5,), (2, 3), (2, 1), (1, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("out_shape", SHAPES)
def test_out_has_a_shape_that_the_operands_broadcast_to(shape, out_shape):
    x, out = np.full(shape, 2.0), np.full(out_shape, -1.0)
    expected = out.copy()
    try:
        cyrelu.add_relu(x, 1.0, out=expected)
    except ValueError:
        with pytest.raises((ValueError, TypingError), match=r"cyrelu\.add_relu: "):
            add_relu_into(x, 1.0, out)
    else:
        add_relu_into(x, 1.0, out)
    assert_same_bits(out, expected)


@numba.njit
def add_leaky_relu_into(x, y, out):
    return cyrelu.add_leaky_relu(x, y, 0.5, out)


VIEWS = {  # of one array of four by four: an operand and out
    "the same": lambda a: (a, a),
    "the next": lambda a: (a[:-1], a[1:]),
    "the one before": lambda a: (a[1:], a[:-1]),
    "columns": lambda a: (a[:, :3], a[:, 1:]),
    "rows in Fortran's order": lambda a: (a.T[:, :3], a.T[:, 1:]),
    "reversed": lambda a: (a[::-1], a),
    "transposed": lambda a: (a.T, a),
    "a row": lambda a: (a[2], a),
    "a number": lambda a: (a[2, 2, ...], a),
    "rows that alternate": lambda a: (a[::2], a[1::2]),
    "smaller elements": lambda a: (a.view(np.int32)[:, ::2], a),
    "smaller elements of one row": lambda a: (a[0].view(np.int32)[4:], a),
}


@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
def test_an_out_that_overlaps_operands(views):
    values = np.arange(-6.0, 10.0).reshape(4, 4)
    for swapped in (False, True):
        results = []
        for function in (add_leaky_relu_into, add_leaky_relu_into.py_func):
            memory = values.copy()
            operand, out = views(memory)
            x, y = (out, operand) if swapped else (operand, out)
            assert_same_bits(function(x, y, out), out)
            results.append(memory)
        assert_same_bits(*results)


def test_fast_math_of_a_caller_stays_there(tmp_path):
    """What is compiled first is kept, also on disk: for callers without it, too."""
    program = """
        import itertools, sys
        import numba, numpy as np
        folder, *first = sys.argv[1:]
        sys.path[:0] = ["downstream", folder]
        import calls
        from test_numba import CASES, EDGES, assert_same_call

        for case in CASES:
            function = getattr(calls, case.name)
            fast = numba.njit(fastmath=True, error_model="numpy")(function)
            plain = numba.njit(cache=True)(function)
            values = itertools.product(EDGES, repeat=len(case.arrays))
            arrays = np.array(list(values), np.float32).T
            for caller in (fast, plain) if first else (plain,):
                for factor in (0.0, 0.5):
                    operands = [*map(np.ascontiguousarray, arrays), *[factor] * len(case.factors)]
                    assert_same_call(caller, *operands)
            assert bool(plain.stats.cache_hits) != bool(first)
    """
    functions = [
        f"def {case.name}({', '.join(case.operands)}):\n    return {call_of(case)}\n"
        for case in CASES
    ]
    (tmp_path / "calls.py").write_text("\n".join(["import cyrelu", *functions]), "utf-8")
    for arguments in ([str(tmp_path), "first"], [str(tmp_path)]):
        finished = run_python(program, arguments, NUMBA_CACHE_DIR=str(tmp_path))
        assert finished.returncode == 0, finished.stderr


def test_fast_math_of_a_caller_of_scalars_stays_there():
    program = """
        import cyrelu, numba, numpy as np
        def gradient(x):
            return cyrelu.relu_grad(x)
        for flags in ({"fastmath": True}, {"error_model": "numpy"}, {}):
            caller = numba.njit(**flags)(gradient)
            assert [caller(x) for x in (-np.inf, -0.0, 1.0, np.inf)] == [0, 1, 1, 1]
            assert flags == {"fastmath": True} or np.isnan(caller(np.nan)), flags
    """
    finished = run_python(program)
    assert finished.returncode == 0, finished.stderr


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


# What a new function may look like: choices, products, sums of integers that do not fit.
ADDED = """

cdef inline number relu6(number x) noexcept nogil:
    return 6 if x > 6 else relu[number](x)


cdef inline number clipped_relu(number x, number ceiling) noexcept nogil:
    cdef number y = relu[number](x)
    if number in floating:
        return select[number](y > ceiling, ceiling, y)
    return ceiling if y > ceiling else y


cdef inline number subtract_relu(number x, number y) noexcept nogil:
    cdef number difference
    if number is float or number is double:
        return relu[number](x - y)
    else:
        difference = <number> (<uint64_t> x - <uint64_t> y)
        if x <= y:
            return 0
        elif difference > 0:
            return difference
        return <number> ((<uint64_t> 1 << (8 * sizeof(number) - 1)) - 1)


cdef inline number excess(number x, number y) noexcept nogil:
    return x - y if x - y > 0 else 0


cdef inline floating soft_threshold(floating x, double t) noexcept nogil:
    cdef floating magnitude = <floating> (fabs(x) - <floating> t)
    if magnitude > 0:
        return -magnitude if x < 0 else magnitude
    return 0 if x == x else x


cdef inline floating squared_relu(floating x) noexcept nogil:
    cdef floating y = relu[floating](x)
    y *= y
    return y


cdef inline floating thirds(floating x) noexcept nogil:
    return 1 + x / 3  # of doubles: Cython writes 3.0


cdef inline floating hard_tanh(floating x) noexcept nogil:
    return -1 if x < -1 else (1 if x > 1 else x)


cdef inline number sign(number x) noexcept nogil:
    return (x > 0) - (x < 0)


cdef inline number up_to_300(number x) noexcept nogil:
    return 0 if x > 300 else x  # not as number: 300 is 44 as uint8_t
"""


def saturating(x, y):
    limits = np.iinfo(x.dtype)
    exact = [min(max(int(a) - int(b), 0), limits.max) for a, b in zip(x, y, strict=True)]
    return np.array(exact, x.dtype)


EXPECTED_OF_ADDED = {
    "relu6": ("fdbBlL", lambda x: np.clip(x, 0, 6).astype(x.dtype)),
    "clipped_relu": ("fdbBlL", lambda x, y: np.minimum(np.maximum(x, 0), y)),
    "subtract_relu": ("bBhHiIlL", saturating),
    "excess": ("bBhH", lambda x, y: np.maximum(x.astype(int) - y, 0).astype(x.dtype)),
    "soft_threshold": (
        "fd",
        lambda x, t: np.where(x < 0, -1, 1).astype(x.dtype) * np.maximum(np.abs(x) - t, 0),
    ),
    "squared_relu": ("fd", lambda x: np.maximum(x, 0) ** 2),
    "hard_tanh": ("fd", lambda x: np.clip(x, -1, 1)),
    "sign": ("fdbBhHiIlL", np.sign),
    "up_to_300": ("bBhHlL", lambda x: np.where(x.astype(float) > 300, 0, x).astype(x.dtype)),
    "thirds": ("fd", lambda x: (1 + x.astype(float) / 3).astype(x.dtype)),
}


@pytest.mark.parametrize("name", EXPECTED_OF_ADDED)
def test_a_formula_added_to_scalar_pxd_is_translated(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools/codegen")
    from numba_formulas import translate

    from cyrelu._numba.formulas import compile_lazily

    module = {"compile_lazily": compile_lazily, "math": math, "types": numba.types}
    exec(translate(SCALAR + ADDED), module)
    dtypes, expected = EXPECTED_OF_ADDED[name]
    for dtype in map(np.dtype, dtypes):
        of_type = module["floats" if dtype.kind == "f" else "integers"]
        formula = of_type(numba.from_dtype(dtype))[name]
        loop = numba.vectorize([formula.signature])(formula.py_func)
        if dtype.kind == "f":
            values = np.array([*EDGES[1:-1], 5.5, 6.0, 7.3], dtype)
        else:
            limits = np.iinfo(dtype)
            values = [limits.min, limits.max, limits.max - 1, limits.max // 2 + 1, 0, 1, 6, 7]
            values = np.array(values, dtype)
        operands = np.array(list(itertools.product(values, repeat=loop.nin)), dtype).T
        with np.errstate(all="ignore"):
            # NumPy leaves the signs of some zeros open.
            np.testing.assert_array_equal(loop(*operands), expected(*operands), strict=True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("return x if isnan(x) else 0", "no function isnan of floats"),
        ("return slope * x", "slope is no variable"),
        ("while x > 0: x -= 1", "while"),
        ("return x // 2", "another one in Python"),
        ("cdef number y = x.real", "x.real"),
        ("cdef size_t y = 0", "size_t is no type"),
        ("return <int64_t> x + <uint64_t> x", "it mixes types.int64 and types.uint64"),
        ("return x if number is int8_t else 0", "the integer types have one translation"),
        ("return x if x < 3000000000 else 0", "3000000000"),  # no int of C
        ("return x if x > 0 els 0", "return x if x > 0 els 0"),
    ],
)
def test_a_line_without_a_translation_is_named(line, reason, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools/codegen")
    from numba_formulas import Untranslatable, translate

    source = SCALAR + f"\n\ncdef inline number added_one(number x) noexcept nogil:\n    {line}\n"
    where = rf"scalar.pxd, line {len(source.splitlines())}, .*{re.escape(reason)}"
    with pytest.raises(Untranslatable, match=where):
        translate(source)
