"""A sample of every_float32.py, which tests all 2**32, and a check that it finds wrong results."""

import numpy as np
import pytest
from cases import CASES, each_function
from every_float32 import INSTRUCTION_SETS, STREAMED, operands_of_block, wrong_results

import cyrelu
from cyrelu import _testing

pytestmark = pytest.mark.thread_unsafe(reason="changes the instruction set of the process")

COUNT = 4096
# Where the classes of numbers meet: zeros, subnormals, normals, infinities, NaNs.
BOUNDARIES = [0x00000000, 0x00800000, 0x3F800000, 0x7F800000, 0x7FC00000]
STARTS = [
    *[boundary | sign for boundary in BOUNDARIES for sign in (0, 0x80000000)],
    *np.random.default_rng(0).integers(0, 2**32, 30).tolist(),
]


@pytest.fixture(autouse=True)
def restored_dispatch():
    before = cyrelu.show_config("dicts")["instruction_set"]["in_use"]
    yield
    _testing.set_instruction_set(before)
    _testing.set_stream_threshold()


@each_function
def test_a_sample_of_all_float32(case):
    for start in STARTS:
        first = (start - COUNT // 2) % 2**32
        assert wrong_results(case, operands_of_block(case, first, COUNT)) == []


def case_named(name):
    return next(case for case in CASES if case.name == name)


def test_one_wrong_pattern_is_found():
    relu = case_named("relu")

    def wrong_once(operands, out):
        cyrelu.relu(operands["x"], out=out)
        out[operands["x"].view(np.uint32) == 0xC0000001] = -0.0

    lines = wrong_results(relu, operands_of_block(relu, 0xC0000000, COUNT), wrong_once)
    assert len(lines) == len(INSTRUCTION_SETS) * len(STREAMED)
    assert lines[0] == (
        f"{INSTRUCTION_SETS[0]}, streamed: relu of 0xc0000001 is 0x80000000; expected 0x00000000"
    )


def test_a_result_that_is_not_written_is_found():
    relu = case_named("relu")
    lines = wrong_results(relu, operands_of_block(relu, 0, 8), lambda operands, out: None)
    assert len(lines) == 8 * len(INSTRUCTION_SETS) * len(STREAMED)


def test_patterns_reach_both_operands():
    case = case_named("relu_backward")
    operands = operands_of_block(case, 2**32 - 8, 8)
    assert operands["x"].view(np.uint32).tolist() == list(range(2**32 - 8, 2**32))
    assert np.unique(operands["grad"].view(np.uint32)).size == 8
