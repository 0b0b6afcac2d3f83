"""Streaming stores: the same bits, nothing written outside out, none where operands overlap."""

import numpy as np
import pytest
from cases import each_function, each_itemsize, operands_for, sample
from oracle import assert_same, assert_same_bits

import cyrelu
from cyrelu import _testing

pytestmark = pytest.mark.thread_unsafe(reason="changes the threshold of the process")

NEVER = 2**62


@pytest.fixture(autouse=True)
def everything_is_streamed():
    _testing.set_stream_threshold(0)
    yield
    _testing.set_stream_threshold()


# Around cache lines of 64 bytes and blocks of 1024 bytes, in elements of 4 and 8 bytes.
LENGTHS = [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 127, 128, 129, 255, 256, 257, 511, 513, 1000, 4097]


@each_function
@each_itemsize
@pytest.mark.parametrize("n", LENGTHS)
def test_every_length_at_every_alignment(case, dtype, n):
    operands = operands_for(case, dtype, n)
    expected = case.expected(operands)
    for shift in range(64 // np.dtype(dtype).itemsize):
        guarded = np.full(n + shift + 2, 7, dtype)
        out = guarded[shift + 1 : -1]
        assert case.call(operands, out=out) is out
        assert_same(out, expected)
        assert (guarded[: shift + 1] == 7).all()
        assert guarded[-1] == 7


@each_function
@each_itemsize
def test_with_strided_inputs_and_arrays_of_factors(case, dtype):
    operands = operands_for(case, dtype, 3000)
    for name in case.factors:
        operands[name] = np.linspace(-1, 2, 3000, dtype=dtype)
    operands["x"] = np.repeat(operands["x"], 3)[::3]
    assert_same(case.call(operands), case.expected(operands))


@each_function
@each_itemsize
def test_in_place(case, dtype):
    for name in case.arrays:
        operands = operands_for(case, dtype, 3001)
        expected = case.expected(operands)
        case.call(operands, out=operands[name])
        assert_same(operands[name], expected)


@each_function
@each_itemsize
@pytest.mark.parametrize("shift", [-1, 1, 16, 17])
def test_overlapping(case, dtype, shift):
    for name in case.arrays:
        operands = operands_for(case, dtype, 2000)
        memory = np.zeros(2100, dtype)
        memory[50:2050] = operands[name]
        operands[name] = memory[50:2050]
        expected = case.expected(operands)
        out = memory[50 + shift : 2050 + shift]
        case.call(operands, out=out)
        assert_same(out, expected)


@each_itemsize
def test_a_strided_out(dtype):
    x = sample(dtype, 3001)
    wide = np.full(6002, 7, dtype)
    cyrelu.relu(x, out=wide[::2])
    assert_same_bits(wide[::2], cyrelu.relu(x))
    assert (wide[1::2] == 7).all()


@each_function
@each_itemsize
def test_with_threads(case, dtype):
    operands = operands_for(case, dtype, 300_003)
    with cyrelu.num_threads(1):
        _testing.set_stream_threshold(NEVER)
        expected = case.call(operands)
        _testing.set_stream_threshold(0)
    for threads in (1, 2, 3, 7):
        with cyrelu.num_threads(threads):
            guarded = np.full(300_005, 7, dtype)
            case.call(operands, out=guarded[1:-1])
            assert_same_bits(guarded[1:-1], expected)
            assert guarded[0] == guarded[-1] == 7
