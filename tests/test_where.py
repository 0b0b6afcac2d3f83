"""where=: what is not chosen stays as it is, on the fast path and on that of the ufuncs."""

import numpy as np
import pytest
from cases import TAKE_INTEGERS, each_function, each_function_and_dtype, each_of, operands_for
from oracle import assert_same

import cyrelu

SHAPES = [(1,), (7,), (300,), (5000,), (33, 64), (0,), (3, 0)]


def random_mask(shape, share=0.5):
    return np.random.default_rng(3).random(shape) < share


@each_function_and_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_contiguous_arrays(case, dtype, shape):
    operands = operands_for(case, dtype, shape)
    expected = case.expected(operands)
    for share in (0, 0.5, 1):
        where = random_mask(shape, share)
        out = np.full(shape, 7, dtype)
        assert case.call(operands, out=out, where=where) is out
        assert_same(out, np.where(where, expected, dtype(7)))
    name = case.arrays[0]
    overwritten = operands[name].copy()
    case.call(operands | {name: overwritten}, out=overwritten, where=where)
    assert_same(overwritten, np.where(where, expected, operands[name]))


VIEWS = {
    "every second column": np.s_[:, ::2],
    "a block of columns": np.s_[:, 3:40],
    "from the end": np.s_[::-1, ::-1],
    "no columns": np.s_[:, :0],
}


@each_function_and_dtype
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views(case, dtype, view):
    whole = operands_for(case, dtype, (40, 60))
    operands = {
        name: value[view] if np.ndim(value) == 2 else value for name, value in whole.items()
    }
    expected = case.expected(operands)
    for where in (
        random_mask(expected.shape),
        (random_mask((40, 60)) * np.uint8(2)).view(bool)[view],
    ):
        memory = np.full((40, 60), 7, dtype)
        outside = memory.copy()
        outside[view] = np.where(where, expected, dtype(7))
        case.call(operands, out=memory[view], where=where)
        assert_same(memory, outside)
    name = case.arrays[0]
    overwritten = np.repeat(operands[name], 2, axis=1)[:, ::2]
    case.call(operands | {name: overwritten}, out=overwritten, where=where)
    assert_same(overwritten, np.where(where, expected, operands[name]))


@each_function
def test_all_other_kinds_of_masks(case):
    operands = operands_for(case, np.float32, (40, 50))
    expected = case.expected(operands)
    mask = random_mask((40, 50))
    memory = np.zeros((40, 50), np.float32)
    masks = {
        "Fortran's order": np.asfortranarray(mask),
        "strided": np.repeat(mask, 2, axis=1)[:, ::2],
        "a row": mask[0],
        "a bool": False,
        "a list": mask.tolist(),
        "a true bool of NumPy's": np.True_,
        "bytes beyond 1": (mask * np.uint8(2)).view(bool),
    }
    for where in masks.values():
        out = np.full((40, 50), 7, np.float32)
        case.call(operands, out=out, where=where)
        assert_same(out, np.where(np.asarray(where), expected, np.float32(7)))
    with pytest.raises(TypeError):
        case.call(operands, out=memory, where=mask.astype(np.uint8))
    overlapping = memory.view(bool)[:, ::4]
    case.call(operands, out=memory, where=overlapping)  # all false
    assert not memory.any()


def test_a_mask_in_the_memory_of_out():
    x = np.arange(-4, 4, dtype=np.int8)
    out = np.array([0, 1, 0, 1, 0, 1, 0, 1], np.int8)
    expected = np.maximum(x, 0, out=out.copy(), where=out.copy().view(bool))
    cyrelu.relu(x, out=out, where=out.view(bool))
    np.testing.assert_array_equal(out, expected)


@each_of(TAKE_INTEGERS)
@pytest.mark.parametrize("char", [*"?bBhHiIqQ"])
def test_integers(case, char):
    if char not in case.integers:
        pytest.skip("takes no bools")
    operands = operands_for(case, char, 5600)
    where = random_mask(5600)
    out = np.zeros(5600, char)
    case.call(operands, out=out, where=where)
    assert_same(out, np.where(where, case.expected(operands), np.zeros_like(out)))


def test_without_out_numpy_decides():
    x = np.ones(3)
    result = cyrelu.relu(x, where=np.array([True, False, True]), out=None)
    assert result[0] == result[2] == 1
