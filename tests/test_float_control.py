"""The caller's rounding mode and flush-to-zero hold on every thread, and only during the call."""

import contextlib
import platform

import numpy as np
import pytest
from cases import each_float, each_function_and_dtype, finfo, operands_for
from oracle import assert_same_bits

import cyrelu
from cyrelu import _testing

pytestmark = pytest.mark.thread_unsafe(reason="changes what the processor does on its thread")

MXCSR = {"downward": 0x2000, "upward": 0x4000, "toward zero": 0x6000, "flush to zero": 0x8040}
FPCR = {"downward": 2 << 22, "upward": 1 << 22, "toward zero": 3 << 22, "flush to zero": 1 << 24}
MODES = {"x86_64": MXCSR, "amd64": MXCSR, "aarch64": FPCR, "arm64": FPCR}.get(
    platform.machine().lower(), {}
)
N = 150_001
AVAILABLE = cyrelu.show_config("dicts")["instruction_set"]["available"]
PATHS = {
    "contiguous": lambda case, operands: case.call(operands),
    "strided": lambda case, operands: case.call(
        {name: each[::-1] if name in case.arrays else each for name, each in operands.items()}
    ),
    "ufunc": lambda case, operands: case.call_ufunc(operands),
}


@contextlib.contextmanager
def mode(bits):
    before = _testing.exchange_float_control(bits)
    try:
        yield
    finally:
        _testing.exchange_float_control(before)


def tiny_and_ordinary(case, dtype):
    """Operands whose products are rounded, and some of them subnormal."""
    operands = operands_for(case, dtype, N)
    for name in case.arrays:
        with np.errstate(all="ignore"):
            operands[name][::3] *= finfo(dtype).smallest_normal
    return operands


@each_function_and_dtype
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", MODES)
def test_it_holds_on_every_thread(case, dtype, path, name):
    operands = tiny_and_ordinary(case, dtype)
    call = PATHS[path]
    with cyrelu.num_threads(1):
        default = call(case, operands)
        with mode(MODES[name]):
            expected = call(case, operands)
    with cyrelu.num_threads(4):
        for _ in range(5):
            with mode(MODES[name]):
                results = [call(case, operands) for _ in range(3)]
            for result in results:
                assert_same_bits(result, expected)
            assert_same_bits(call(case, operands), default)


@each_float
@pytest.mark.parametrize("name", MODES)
def test_these_modes_change_results(dtype, name):
    """Otherwise the test above would say nothing."""
    x = (
        -np.linspace(0.1, 1, 1000, dtype=dtype)
        * np.array([1, np.finfo(dtype).tiny], dtype)[:, None]
    )
    default = cyrelu.leaky_relu(x, 0.1)
    with mode(MODES[name]):
        changed = cyrelu.leaky_relu(x, 0.1)
    assert (default != changed).any()


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("isa", AVAILABLE)
def test_float16_is_rounded_to_the_nearest_in_every_mode(name, isa):
    """Products of two numbers are exact in float; only narrowing them rounds."""
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    _testing.set_instruction_set(isa)
    try:
        for slope in (0.1, 1e-7, 60000.0):
            default = cyrelu.leaky_relu(x, slope)
            with mode(MODES[name]):
                changed = cyrelu.leaky_relu(x, slope)
            assert_same_bits(changed, default)
    finally:
        _testing.set_instruction_set(AVAILABLE[-1])
