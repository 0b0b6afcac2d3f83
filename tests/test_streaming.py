"""Stores past the caches: the same bits, nothing outside out, never where operands overlap."""

import numpy as np
import pytest
from cases import each_dtype, each_function, operands_for, sample
from fresh_process import run_python
from oracle import assert_same, assert_same_bits

import cyrelu
from cyrelu import _dispatch, _settings


@pytest.fixture(autouse=True)
def everything_is_streamed():
    before = _dispatch.set_stream_bytes(0)
    yield
    _dispatch.set_stream_bytes(before)


# Around lines of 64 bytes and blocks of 1024, in elements of 4 and 8 bytes.
LENGTHS = [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 127, 128, 129, 255, 256, 257, 511, 513, 1000, 4097]


@each_function
@each_dtype
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
@each_dtype
def test_with_strided_inputs_and_arrays_of_factors(case, dtype):
    operands = operands_for(case, dtype, 3000)
    for name in case.factors:
        operands[name] = np.linspace(-1, 2, 3000, dtype=dtype)
    operands["x"] = np.repeat(operands["x"], 3)[::3]
    assert_same(case.call(operands), case.expected(operands))


@each_function
@each_dtype
def test_in_place(case, dtype):
    for name in case.arrays:
        operands = operands_for(case, dtype, 3001)
        expected = case.expected(operands)
        case.call(operands, out=operands[name])
        assert_same(operands[name], expected)


@each_function
@each_dtype
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


@each_dtype
def test_a_strided_out(dtype):
    x = sample(dtype, 3001)
    wide = np.full(6002, 7, dtype)
    cyrelu.relu(x, out=wide[::2])
    assert_same_bits(wide[::2], cyrelu.relu(x))
    assert (wide[1::2] == 7).all()


@each_function
@each_dtype
def test_with_threads(case, dtype):
    operands = operands_for(case, dtype, 1_000_003)
    with cyrelu.num_threads(1):
        _dispatch.set_stream_bytes(2**62)
        expected = case.call(operands)
        _dispatch.set_stream_bytes(0)
    for threads in (1, 2, 3, 7):
        with cyrelu.num_threads(threads):
            guarded = np.full(1_000_005, 7, dtype)
            case.call(operands, out=guarded[1:-1])
            assert_same_bits(guarded[1:-1], expected)
            assert guarded[0] == guarded[-1] == 7


REPORT = """
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import cyrelu
    print(cyrelu.show_config("dicts")["streaming"]["outputs from bytes"])
    print(*[warning.message for warning in caught])
"""


def test_cyrelu_stream_bytes():
    # Where no instruction set can stream there is no limit to show.
    can_stream = cyrelu.show_config("dicts")["streaming"]["outputs from bytes"] is not None
    finished = run_python(REPORT, CYRELU_STREAM_BYTES="12345")
    assert finished.stdout == f"{12345 if can_stream else None}\n\n", finished.stderr


@pytest.mark.parametrize("value", ["-1", "8 MB", "1e6"])
def test_an_unusable_value_warns_and_is_ignored(value):
    default = run_python(REPORT, CYRELU_STREAM_BYTES="").stdout.split()
    limit, warning = run_python(REPORT, CYRELU_STREAM_BYTES=value).stdout.splitlines()
    assert [limit] == default
    assert f"CYRELU_STREAM_BYTES is '{value}'; expected an integer from 0" in warning


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        (None, 32 << 20),
        (1 << 20, 4 << 20),
        (16 << 20, 12 << 20),
        (260 << 20, 32 << 20),
    ],
)
def test_the_default_follows_the_last_cache(monkeypatch, cache, expected):
    monkeypatch.delenv("CYRELU_STREAM_BYTES", raising=False)
    monkeypatch.setattr(_settings._cpu, "last_cache_bytes", lambda: cache)
    assert _settings.stream_bytes() == expected
