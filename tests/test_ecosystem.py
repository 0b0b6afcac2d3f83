"""Array types of other libraries are returned as the same type."""

import operator

import numpy as np
import pytest
from cases import each_function, operands_for, sample
from oracle import assert_same, assert_same_bits

import cyrelu


def through(case, wrap, dtype=np.float32, **keywords):
    """The results for wrapped arrays and for the arrays themselves."""
    operands = operands_for(case, dtype, 12)
    wrapped = {name: wrap(v) if name in case.arrays else v for name, v in operands.items()}
    return case.call(wrapped, **keywords), case.call(operands)


@each_function
def test_pandas_series(case):
    pd = pytest.importorskip("pandas")
    index = pd.Index(list("abcdefghijkl"))
    result, expected = through(case, lambda a: pd.Series(a, index=index, name="unit"))
    assert type(result) is pd.Series
    assert result.name == "unit"
    assert result.index.equals(index)
    assert_same(result.to_numpy(), expected)


@each_function
def test_pandas_frame(case):
    pd = pytest.importorskip("pandas")
    # float64: pandas turns a factor into a float64 array, which is not weak in NumPy's promotion.
    result, expected = through(
        case, lambda a: pd.DataFrame(a.reshape(4, 3), columns=list("xyz")), np.float64
    )
    assert type(result) is pd.DataFrame
    assert list(result.columns) == ["x", "y", "z"]
    assert_same(result.to_numpy(), expected.reshape(4, 3))


@each_function
def test_xarray(case):
    xr = pytest.importorskip("xarray")
    result, expected = through(case, lambda a: xr.DataArray(a.reshape(4, 3), dims=["n", "unit"]))
    assert type(result) is xr.DataArray
    assert result.dims == ("n", "unit")
    assert_same(result.to_numpy(), expected.reshape(4, 3))


@each_function
def test_dask_stays_lazy(case):
    da = pytest.importorskip("dask.array")
    result, expected = through(case, lambda a: da.from_array(a, chunks=5))
    assert isinstance(result, da.Array)
    assert result.chunks == ((5, 5, 2),)
    assert_same(result.compute(scheduler="synchronous"), expected)
    assert_same(result.compute(scheduler="threads"), expected)


@each_function
def test_masked_arrays_keep_their_mask(case):
    mask = np.arange(12) % 3 == 0
    result, expected = through(case, lambda a: np.ma.array(a, mask=mask))
    assert type(result) is np.ma.MaskedArray
    np.testing.assert_array_equal(result.mask, mask)
    assert_same(result.data[~mask], expected[~mask])


class Metres(np.ndarray):
    """A subclass with an attribute that __array_finalize__ carries on."""

    def __array_finalize__(self, parent):
        self.unit = getattr(parent, "unit", "m")


@each_function
def test_subclasses(case):
    result, expected = through(case, lambda a: a.view(Metres))
    assert type(result) is Metres
    assert result.unit == "m"
    assert_same(np.asarray(result), expected)
    out = np.empty(12, np.float32).view(Metres)
    result, _ = through(case, lambda a: a, out=out)
    assert result is out


@each_function
def test_memory_mapped_files(case, tmp_path):
    operands = operands_for(case, np.float64, 1000)
    mapped = {}
    for name, value in operands.items():
        if name in case.arrays:
            np.save(tmp_path / f"{name}.npy", value)
            mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        else:
            mapped[name] = value
    assert_same(np.asarray(case.call(mapped)), case.call(operands))


@each_function
def test_array_ufunc_gets_the_very_arguments_that_were_given(case):
    class Recorder:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return ufunc, method, inputs, keywords

    class IsNotAsked:
        def __array__(self, dtype=None, copy=None):
            raise AssertionError("the array that answers the call decides what becomes of it")

    where = np.array([True])
    for recorder in case.operands:
        for other in ([-1.0, 2.0], IsNotAsked()):
            operands = dict.fromkeys(case.operands, other) | {recorder: Recorder()}
            for keywords in ({}, {"where": where}):
                ufunc, method, inputs, passed = case.call(operands, **keywords)
                assert (ufunc, method, passed) == (case.ufunc, "__call__", keywords)
                assert len(inputs) == len(operands)
                assert all(map(operator.is_, inputs, operands.values()))


def test_objects_that_opt_out_are_refused():
    class Refuses:
        __array_ufunc__ = None

    with pytest.raises(TypeError, match="does not support ufuncs"):
        cyrelu.relu(Refuses())


def test_array_protocols():
    class HasArray:
        def __array__(self, dtype=None, copy=None):
            return np.array([-1.0, 1.0], np.float32)

    class HasInterface:
        def __init__(self):
            self.array = np.array([-1.0, 1.0], np.float32)
            self.__array_interface__ = self.array.__array_interface__

    for lookalike in (HasArray(), HasInterface(), memoryview(np.array([-1, 1], np.float32))):
        assert_same(cyrelu.relu(lookalike), np.array([0, 1], np.float32))


def test_result_of_a_view_does_not_touch_its_base():
    base = sample(np.float32, 50)
    kept = base.copy()
    cyrelu.relu(base[::2])
    assert_same_bits(base, kept)
