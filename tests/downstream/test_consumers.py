"""Modules of other projects, in C and C++, get the results of the Python functions."""

import ctypes
import itertools
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import (
    CASES,
    FLOATS_16,
    TAKE_INTEGERS,
    each_dtype,
    each_dtype_of,
    each_float,
    each_function,
    each_of,
    operands_for,
    sample,
)
from conftest import HERE, import_from, run
from oracle import assert_same, assert_same_bits

import cyrelu


@pytest.fixture(scope="module", params=["consumer", "consumer_cpp", "consumer_openmp"])
def consumer(request, consumer_folder):
    return import_from(consumer_folder, request.param)


@pytest.fixture(scope="module")
def own_loops(consumer_folder):
    return import_from(consumer_folder, "own_loops")


def test_every_public_function_is_exercised():
    names = [case.name for case in CASES]
    assert sorted(cyrelu.ufuncs.__all__) == sorted(names)
    source = (HERE / "consumer" / "each_function.pxi").read_text()
    for name in names:
        assert f"scalar.{name}(" in source
        assert f"memoryviews.{name}(" in source
        for suffix in ("f32", "f64"):
            assert f"kernels.{name}_{suffix}(" in source
        for axes in (2, 3, 4):
            assert f"def memoryview_{name}_{axes}d(" in source


def test_cython_gives_no_performance_hints_about_files_of_cyrelu(consumer_folder):
    hints = (consumer_folder / "build.log").read_text().splitlines()
    assert [line for line in hints if "performance hint" in line and "/cyrelu/" in line] == []


@each_function
@each_float
@pytest.mark.parametrize("way", ["scalar", "kernel", "memoryview"])
@pytest.mark.parametrize("n", [1, 5, 1000, 300_001])
def test_values(consumer, case, dtype, way, n):
    operands = operands_for(case, dtype, n, **case.other_factors)
    out = np.full(n, 7, dtype)
    getattr(consumer, f"{way}_{case.name}")(*operands.values(), out)
    assert_same(out, case.expected(operands))


@each_function
@each_dtype_of(FLOATS_16)
@pytest.mark.parametrize("n", [1, 5, 1000, 300_001])
def test_kernels_of_16_bit_floats(consumer, case, dtype, n):
    """Through x.view(np.uint16), with the bits of the Python functions."""
    operands = operands_for(case, dtype, n, **case.other_factors)
    out = np.full(n, 7, dtype)
    bits = [each.view(np.uint16) if np.ndim(each) else each for each in operands.values()]
    suffix = "f16" if dtype == np.float16 else "bf16"
    getattr(consumer, f"kernel_{case.name}_{suffix}")(*bits, out.view(np.uint16))
    assert_same_bits(out, case.call(operands))


SUFFIXES = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16"}
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
each_function_with_rows = each_of([case for case in CASES if case.oracle.row])


def call_of_rows(consumer, case, operands, suffix):
    """The kernel's result for flat arrays and a row; of 16-bit floats, through their bits."""
    x = operands["x"]
    bits = np.uint16 if x.dtype.kind in "fV" and x.itemsize == 2 else x.dtype
    out = np.full(x.shape, 7, x.dtype)
    given = [np.ravel(each).view(bits) if np.ndim(each) else each for each in operands.values()]
    getattr(consumer, f"kernel_{case.name}_rows_{suffix}")(*given, out.ravel().view(bits))
    return out


@each_function_with_rows
@each_dtype
@pytest.mark.parametrize("shape", [(31, 17), (300, 3), (2, 5000), (2000, 200)], ids=str)
def test_kernels_by_rows(consumer, case, dtype, shape):
    operands = operands_for(case, dtype, shape, **case.other_factors)
    row = case.oracle.row
    numbers = np.array([0, 1, 0.3, -2, 5], dtype)
    operands[row] = np.resize(numbers, shape[-1]).astype(dtype)
    out = call_of_rows(consumer, case, operands, SUFFIXES[np.dtype(dtype).name])
    assert_same(out, case.call(operands))


each_integer = each_dtype_of([np.dtype(char) for char in INTEGERS])


@each_of(TAKE_INTEGERS)
@each_integer
@pytest.mark.parametrize("n", [1, 5, 1000, 300_001])
def test_integers(consumer, case, dtype, n):
    operands = operands_for(case, dtype, n)
    suffix = f"{dtype.kind}{8 * dtype.itemsize}"
    for way in ("kernel", "memoryview") if dtype.kind == "i" else ("kernel",):
        out = np.full(n, 7, dtype)
        getattr(consumer, f"{way}_{case.name}_{suffix}")(*operands.values(), out)
        assert_same_bits(out, case.expected(operands))


@each_of([case for case in TAKE_INTEGERS if case.oracle.row])
@each_integer
def test_integers_by_rows(consumer, case, dtype):
    operands = operands_for(case, dtype, (800, 90))
    operands[case.oracle.row] = sample(dtype, 90, 3)
    out = call_of_rows(consumer, case, operands, f"{dtype.kind}{8 * dtype.itemsize}")
    assert_same_bits(out, case.expected(operands))


def test_the_formula_for_integers_of_every_type(consumer):
    bits = [8 * np.dtype(char).itemsize for char in "bhilqpbhi"] + [64]
    for numbers in ([-(2 ** (n - 1)) for n in bits], [2 ** (n - 1) - 1 for n in bits]):
        expected = [max(0, number) for number in numbers]
        assert list(consumer.relu_of_signed(*numbers)) == expected
    numbers = [2**n - 1 for n in bits]
    assert list(consumer.relu_of_unsigned(*numbers)) == numbers


# Values of the parameters; a float holds the first ones.
PARAMETERS = {"float_parameter": (0.125, 0.75, 1.5), "double_parameter": (0.1, 0.7, 1.3)}
LITERALS = ["literal", "negative_literal", "int_literal"]


def literals_in(loop, case):
    """The factors that stand in the source of a loop in own_loops.pyx."""
    source = (HERE / "consumer" / "own_loops.pyx").read_text()
    [passed] = re.findall(rf"def {loop}\(.*?scalar\.{case.name}\((.*?)\)\n", source, re.DOTALL)
    return [float(each) for each in passed.split(",")[len(case.arrays) :]]


@each_function
@each_float
@pytest.mark.parametrize("kind", [*LITERALS, *PARAMETERS])
def test_formulas_in_own_loops(own_loops, case, dtype, kind):
    """The Python function's bits: a factor never decides the precision, whatever its C type."""
    suffix = {np.float32: "f32", np.float64: "f64"}[dtype]
    loop = "_".join([case.name, *([kind] if case.factors else []), suffix])
    passed = PARAMETERS.get(kind, ())[: len(case.factors)]
    factors = dict(zip(case.factors, passed or literals_in(loop, case), strict=True))
    operands = operands_for(case, dtype, 10_007, **factors)
    out = np.full(10_007, 7, dtype)
    getattr(own_loops, loop)(*(operands[name] for name in case.arrays), *passed, out)
    assert_same(out, case.expected(operands))
    assert_same(out, case.call(operands))


@each_function
@each_float
@pytest.mark.parametrize("shape", [(31, 17), (5, 7, 3), (2, 3, 4, 5)], ids=["2d", "3d", "4d"])
def test_several_dimensions(consumer, case, dtype, shape):
    operands = operands_for(case, dtype, shape, **case.other_factors)
    out = np.full(shape, 7, dtype)
    getattr(consumer, f"memoryview_{case.name}_{len(shape)}d")(*operands.values(), out)
    assert_same(out, case.expected(operands))


@each_function_with_rows
@each_float
@pytest.mark.parametrize("shape", [(31, 17), (3, 1), (1, 300_001), (9000, 70), (0, 4), (4, 0)])
def test_a_row_along_the_last_axis(consumer, case, dtype, shape):
    operands = operands_for(case, dtype, shape, **case.other_factors)
    row = case.oracle.row
    numbers = np.array([0, 1, 0.3, -2, 5, np.nan], dtype)
    operands[row] = np.resize(numbers, shape[-1]).astype(dtype)
    out = np.full(shape, 7, dtype)
    getattr(consumer, f"memoryview_{case.name}_row_of_{row}")(*operands.values(), out)
    assert_same(out, case.expected(operands))


@each_function_with_rows
@each_float
def test_rows_of_another_length_are_refused(consumer, case, dtype):
    operands = operands_for(case, dtype, (4, 6))
    row = case.oracle.row
    for n in (1, 5, 7, 24):
        operands[row] = np.ones(n, dtype)
        out = np.full((4, 6), 7, dtype)
        reason = f"{row} and the last axis differ in length"
        with pytest.raises(ValueError, match=f"^{case.name}(_rows)?: {reason}$"):
            getattr(consumer, f"memoryview_{case.name}_row_of_{row}")(*operands.values(), out)
        assert (out == 7).all()


def test_slopes_of_another_dtype_are_refused(consumer):
    x, out = np.ones((2, 3)), np.full((2, 3), 7.0)
    with pytest.raises(ValueError, match=r"^leaky_relu: negative_slope and the views differ in d"):
        consumer.slopes_of_another_dtype(x, np.ones(3, np.float32), out)
    assert (out == 7).all()


def test_an_out_that_is_read_only_is_refused(consumer):
    x, out = np.ones((2, 3)), np.full((2, 3), 7.0)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"^relu: out is read-only$"):
        consumer.read_only_out(x, out)
    assert (out == 7).all()


def test_factors_of_every_type(consumer):
    """A factor never decides the precision."""
    x = np.array([-0.7, -3, 5], np.float32)
    expected = cyrelu.leaky_relu(x, 0.1)
    for way in range(3):
        out = np.zeros(3, np.float32)
        consumer.factor_of_type(way, x, out)
        np.testing.assert_array_equal(out, expected if way < 2 else cyrelu.leaky_relu(x, 2))


@each_function
@each_float
def test_read_only_inputs(consumer, case, dtype):
    operands = operands_for(case, dtype, 9)
    for name in case.arrays:
        operands[name].flags.writeable = False
    out = np.zeros(9, dtype)
    getattr(consumer, f"memoryview_{case.name}")(*operands.values(), out)
    assert_same(out, case.expected(operands))


@each_function
@each_float
@pytest.mark.parametrize("shape", [(24,), (4, 6), (2, 3, 4), (2, 2, 2, 3)])
def test_shapes_that_differ_are_refused(consumer, case, dtype, shape):
    operands = operands_for(case, dtype, shape)
    suffix = f"_{len(shape)}d" if len(shape) > 1 else ""
    for axis, more in itertools.product(range(len(shape)), (-1, 1)):
        other = [size + more * (k == axis) for k, size in enumerate(shape)]
        out = np.full(other, 7, dtype)
        with pytest.raises(ValueError, match=f"^{case.name}: the views differ in shape$"):
            getattr(consumer, f"memoryview_{case.name}{suffix}")(*operands.values(), out)
        assert (out == 7).all()


@each_function
@each_float
def test_empty_views(consumer, case, dtype):
    operands = operands_for(case, dtype, 0)
    getattr(consumer, f"memoryview_{case.name}")(*operands.values(), np.zeros(0, dtype))


@pytest.mark.parametrize("n", [0, -1, -(2**62)])
def test_nothing_is_written_unless_n_is_positive(consumer, n):
    x, out = np.full(3, -1, np.float32), np.full(3, 7, np.float32)
    consumer.kernel_of_n_elements(x, out, n)
    assert (out == 7).all()


@pytest.mark.parametrize("n", [10, 1_000_000])
def test_in_place(consumer, n):
    x = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    grad, expected = x[::-1].copy(), np.maximum(x, 0)
    expected_grad = np.where(x >= 0, grad, 0)
    consumer.kernel_in_place_on_grad(grad, x)
    np.testing.assert_array_equal(grad, expected_grad)
    consumer.kernel_in_place(x)
    np.testing.assert_array_equal(x, expected)


def test_inside_a_parallel_region_of_the_caller(consumer):
    x = np.random.default_rng(0).standard_normal((8, 300_000)).astype(np.float32)
    out = np.empty_like(x)
    for _ in range(20):
        out[:] = 7
        consumer.kernel_in_own_parallel_region(x, out)
        np.testing.assert_array_equal(out, np.maximum(x, 0))


def test_from_several_threads(consumer):
    x = np.random.default_rng(0).standard_normal(300_000).astype(np.float32)
    expected = np.maximum(x, 0)

    def work(_):
        out = np.full_like(x, 7)
        consumer.kernel_relu(x, out)
        return np.array_equal(out, expected)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))


def test_a_consumer_built_by_meson(tmp_path):
    pytest.importorskip("mesonpy")
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps"]
    run(*command, "--target", str(target), str(HERE / "meson_consumer"), cwd=tmp_path)
    module = import_from(target, "meson_consumer")
    x, out = np.array([-1.0, 0.0, 2.0]), np.zeros(3)
    assert [module.relu_of(value) for value in x] == [0, 0, 2]
    module.relu_to(x, out)
    np.testing.assert_array_equal(out, [0, 0, 2])
    module.relu_in_place(x)
    np.testing.assert_array_equal(x, [0, 0, 2])


def test_numba():
    """The address of a kernel, called from compiled Python."""
    numba = pytest.importorskip("numba")
    from numba.extending import get_cython_function_address

    address = get_cython_function_address("cyrelu.kernels", "leaky_relu_f32")
    signature = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_float]
    leaky_relu = ctypes.CFUNCTYPE(None, *signature)(address)

    @numba.njit
    def halves(x, out):
        leaky_relu(x.ctypes.data, out.ctypes.data, x.size, numba.float32(0.5))

    x, out = np.array([-2, 0, 3], np.float32), np.zeros(3, np.float32)
    halves(x, out)
    np.testing.assert_array_equal(out, [-1, 0, 3])


def test_scipy_low_level_callable():
    scipy = pytest.importorskip("scipy")
    import cyrelu.kernels

    function = scipy.LowLevelCallable.from_cython(cyrelu.kernels, "relu_f64")
    assert function.signature == "void (double const *, double *, Py_ssize_t)"


def test_the_example_runs(tmp_path):
    example = tmp_path / "example"  # a copy: building leaves files beside the source
    shutil.copytree(HERE.parents[1] / "examples" / "cython_consumer", example)
    command = [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps"]
    run(*command, "--target", str(tmp_path / "site"), str(example), cwd=tmp_path)
    finished = subprocess.run(
        [sys.executable, str(example / "try_it.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert finished.stdout == (example / "expected_output.txt").read_text(), finished.stderr
