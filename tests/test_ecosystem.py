"""Array types of other libraries are returned as the same type."""

import operator

import numpy as np
import pytest
from cases import each_function, each_function_and_dtype, operands_for, sample
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


@each_function_and_dtype
def test_pandas_frame(case, dtype):
    pd = pytest.importorskip("pandas")
    result, expected = through(
        case, lambda a: pd.DataFrame(a.reshape(4, 3), columns=list("xyz")), dtype
    )
    assert type(result) is pd.DataFrame
    assert list(result.columns) == ["x", "y", "z"]
    assert_same(result.to_numpy(), expected.reshape(4, 3))


class MakesArrays:
    """An array that answers a ufunc as a DataFrame does: it makes an array of every input."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.dtype = self.array.dtype

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **keywords):
        arrays = [np.asarray(value) for value in inputs]
        if out is not None:
            keywords["out"] = tuple(np.asarray(each) for each in out)
        return getattr(ufunc, method)(*arrays, **keywords)


class HasColumns(MakesArrays):
    """The same with a dtype for each column, and none of its own."""

    def __init__(self, array):
        super().__init__(array)
        self.dtypes = [self.dtype, self.dtype]
        del self.dtype


@each_function
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "i8", "u8", "?"])
@pytest.mark.parametrize("factor", [0.1, 3, True, np.float16(0.1), np.float64(0.1)], ids=repr)
@pytest.mark.parametrize("wrap", [MakesArrays, HasColumns])
def test_python_numbers_are_weak_beside_other_arrays(case, dtype, factor, wrap):
    """The result has the dtype, and the bits, that it has for NumPy's arrays."""
    if dtype == "?" and case.oracle.refuses_bools:
        pytest.skip("takes no bools alone")
    operands = {name: np.array([-3, 0, 2]).astype(dtype) for name in case.arrays}
    operands |= dict.fromkeys(case.factors, factor)
    each_alone = [[name] for name in case.operands]
    for keywords in ({}, {"dtype": np.float64}, {"dtype": "f4"}, {"dtype": np.dtypes.Float64DType}):
        for wrapped in (*each_alone, case.arrays):
            arrays = operands | {name: np.asarray(operands[name]) for name in wrapped}
            others = operands | {name: wrap(operands[name]) for name in wrapped}
            assert_same(case.call(others, **keywords), case.call(arrays, **keywords))
        expected = case.call(operands, **keywords)
        out = np.empty_like(expected)
        case.call(operands, out=wrap(out), **keywords)
        assert_same(out, expected)


def test_a_python_number_too_large_for_the_dtype_of_a_frame():
    """It warns as beside an array; what NumPy cannot make a number of keeps NumPy's error."""
    x = np.array([-1, 2], np.float32)
    with pytest.warns(RuntimeWarning, match="overflow"):
        result = cyrelu.leaky_relu(MakesArrays(x), 1e300)
    assert_same(result, np.array([-np.inf, 2], np.float32))
    assert_same(cyrelu.leaky_relu(MakesArrays(x), 2**70), cyrelu.leaky_relu(x, 2**70))
    with pytest.raises(TypeError, match="not supported for the input types"):
        cyrelu.leaky_relu(MakesArrays(x), 10**400)


def test_pandas_frame_with_a_column_that_is_called_dtype():
    pd = pytest.importorskip("pandas")
    x = sample(np.float32, 7)
    result = cyrelu.leaky_relu(pd.DataFrame({"dtype": x, "dtypes": x}), 0.1)
    assert_same(result["dtype"].to_numpy(), cyrelu.leaky_relu(x, 0.1))


def test_pandas_frame_of_several_dtypes():
    """With a factor, pandas makes one array of all columns, and another of the factor."""
    pd = pytest.importorskip("pandas")
    x = np.array([-1, 0, 2], np.float32)
    frame = pd.DataFrame({"single": x, "double": x.astype(np.float64)})
    assert list(cyrelu.relu(frame).dtypes) == [np.float32, np.float64]
    assert list(cyrelu.leaky_relu(frame).dtypes) == [np.float64, np.float64]


# By pandas' dtype: the dtype of functions that take integers, without a factor and with a factor
# that is an integer by default, and of those that compute in float64.
EXTENSION_TYPES = {
    "Float32": ("Float32", "Float32", "Float32"),
    "Float64": ("Float64", "Float64", "Float64"),
    "Int8": ("Int8", "Int8", "Float64"),
    "Int64": ("Int64", "Int64", "Float64"),
    "boolean": ("boolean", "Int64", "Float64"),
}


@each_function
@pytest.mark.parametrize("dtype", EXTENSION_TYPES)
def test_pandas_nullable_types(case, dtype):
    """A Series keeps its missing values; a frame does as well, or there is an error."""
    pd = pytest.importorskip("pandas")
    if dtype == "boolean" and case.oracle.refuses_bools:
        pytest.skip("takes no bools alone")
    alone, with_integer, computed = EXTENSION_TYPES[dtype]
    of_integers = with_integer if case.factors else alone
    all_integers = all(type(factor) is int for factor in case.defaults.values())
    expected = of_integers if case.oracle.takes_integers and all_integers else computed
    series = pd.Series([True, None, False], dtype="boolean").astype(dtype)
    result = case.call(dict.fromkeys(case.arrays, series))
    assert result.dtype == expected
    assert list(result.isna()) == [False, True, False]
    frame = pd.DataFrame({"a": series, "b": series})
    by_column = frame.apply(lambda column: case.call(dict.fromkeys(case.arrays, column)))
    assert set(by_column.dtypes.map(str)) == {expected}
    if len(case.operands) == 1:
        assert set(case.call({"x": frame}).dtypes.map(str)) == {expected}
    else:
        first = case.operands[0]
        message = rf"^{case.name}: {first} has columns of dtype {dtype}, which DataFrame does not"
        with pytest.raises(TypeError, match=message):
            case.call(dict.fromkeys(case.arrays, frame))


@each_function
def test_pydata_sparse(case):
    sparse = pytest.importorskip("sparse")
    result, expected = through(case, sparse.COO.from_numpy)
    assert isinstance(result, sparse.COO)
    assert_same(result.todense(), expected)


def test_polars_series():
    pl = pytest.importorskip("polars")
    x = sample(np.float32, 7)
    result = cyrelu.leaky_relu(pl.Series(x), 0.1)
    assert result.dtype == pl.Float32
    assert_same(result.to_numpy(), cyrelu.leaky_relu(x, 0.1))


@each_function
def test_astropy_quantities(case):
    """They refuse unknown ufuncs; what the documentation says to do instead keeps the unit."""
    units = pytest.importorskip("astropy.units")
    x = np.array([-1, 2], np.float32)
    length = x * units.m
    with pytest.raises(TypeError, match=f"(?i)unknown ufunc {case.name}"):
        case.call(dict.fromkeys(case.arrays, length))
    result = case.call(dict.fromkeys(case.arrays, length.value)) * length.unit
    assert result.unit == units.m
    assert_same(result.value, case.call(dict.fromkeys(case.arrays, x)))


@each_function
def test_pint_quantities(case):
    pint = pytest.importorskip("pint")
    x = np.array([-1, 2], np.float32)
    length = x * pint.UnitRegistry().metre
    with pytest.raises(TypeError, match=f"returned NotImplemented .*'{case.name}'"):
        case.call(dict.fromkeys(case.arrays, length))
    result = case.call(dict.fromkeys(case.arrays, length.magnitude)) * length.units
    assert result.units == length.units
    assert_same(result.magnitude, case.call(dict.fromkeys(case.arrays, x)))


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
