"""Tables of functions, dtypes and values that the tests share."""

import inspect
from dataclasses import dataclass

import numpy as np
import oracle
import pytest

import cyrelu

try:
    from ml_dtypes import bfloat16, finfo
except ImportError:  # cyrelu does without
    bfloat16, finfo = None, np.finfo

FLOATS = [np.float32, np.float64]
FLOATS_16 = [np.float16, *([bfloat16] if bfloat16 else [])]
DTYPES = [*FLOATS, *FLOATS_16]


@dataclass(frozen=True)
class Case:
    """One function of the package and how to call it."""

    name: str

    @property
    def operands(self):
        """The ufunc's inputs, in order."""
        return tuple(inspect.signature(oracle.OPERATIONS[self.name]).parameters)

    @property
    def function(self):
        return getattr(cyrelu, self.name)

    @property
    def ufunc(self):
        return getattr(cyrelu.ufuncs, self.name)

    @property
    def arrays(self):
        """The operands that are arrays; the others are factors."""
        return [name for name in self.operands if name not in self.defaults]

    @property
    def factors(self):
        return list(self.defaults)

    @property
    def defaults(self):
        """The factors and their default values."""
        parameters = inspect.signature(oracle.OPERATIONS[self.name]).parameters.values()
        return {each.name: each.default for each in parameters if each.default is not each.empty}

    def call(self, operands, **keywords):
        """Call the public function with operands given by name."""
        arrays = [operands[name] for name in self.arrays]
        factors = {name: operands[name] for name in self.factors if name in operands}
        return self.function(*arrays, **factors, **keywords)

    def call_ufunc(self, operands, **keywords):
        return self.ufunc(*(operands[name] for name in self.operands), **keywords)

    def expected(self, operands):
        """The oracle's answer, in the dtype of x."""
        x = np.asarray(operands["x"])
        dtype = x.dtype.newbyteorder("=")
        inputs = [np.asarray(operands[name]).astype(dtype) for name in self.operands]
        return oracle.OPERATIONS[self.name](*inputs).astype(dtype, copy=False)


# The functions that take integers as they are; the others compute in float64.
TAKE_INTEGERS = {"relu", "add_relu"}

CASES = [Case(name) for name in oracle.OPERATIONS]

each_function = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_float = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: np.dtype(dtype).name)
# What depends on the size of an element alone, such as layouts, is tested with one dtype of each.
each_itemsize = pytest.mark.parametrize(
    "dtype", [*FLOATS, np.float16], ids=lambda dtype: np.dtype(dtype).name
)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)

# Python numbers that a user may pass as negative_slope or at_zero.
FACTORS = {
    "default": 0.01,
    "zero": 0.0,
    "negative zero": -0.0,
    "integer zero": 0,
    "one": 1.0,
    "integer": 2,
    "negative": -0.5,
    "above one": 1.5,
    "tiny": 1e-30,
    "inf": float("inf"),
    "nan": float("nan"),
}
each_factor = pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)


def edge_values(dtype):
    """Zeros, subnormals, ordinary and extreme numbers, infinities and NaNs, of both signs."""
    info = finfo(dtype)
    positive = [
        0.0,
        info.smallest_subnormal,
        info.smallest_normal,
        np.nextafter(info.smallest_normal, dtype(0)),
        0.1,
        1.0,
        np.nextafter(dtype(1), dtype(2)),
        info.max,
        np.inf,
        np.nan,
    ]
    positive = np.array(positive, dtype)
    return np.concatenate([positive, -positive, nan_payloads(dtype)])


def nan_payloads(dtype):
    """Quiet and signalling NaNs of both signs, each with a payload."""
    if dtype == bfloat16:
        return np.array([0x7FC1, 0xFFC1, 0x7F81, 0xFF81], np.uint16).view(dtype)
    if dtype == np.float16:
        return np.array([0x7E01, 0xFE01, 0x7C01, 0xFC01], np.uint16).view(dtype)
    if dtype == np.float32:
        return np.array([0x7FC01234, 0xFFC01234, 0x7F801234, 0xFF801234], np.uint32).view(dtype)
    quiet, signalling = 0x7FF8000000001234, 0x7FF0000000001234
    sign = 1 << 63
    return np.array([quiet, quiet | sign, signalling, signalling | sign], np.uint64).view(dtype)


def sample(dtype, shape, seed=0):
    """Random numbers of both signs, three in ten of which are replaced by edge values."""
    random = np.random.default_rng(seed)
    array = np.asarray(random.normal(scale=4, size=shape), dtype=dtype)
    edges = edge_values(dtype)
    replaced = random.random(array.shape) < 0.3
    array[replaced] = random.choice(edges, replaced.sum())
    return array


def operands_for(case, dtype, shape, negative_slope=0.01, at_zero=1.0):
    """Operands by name: arrays of edge values and numbers, and Python numbers as factors."""
    x, y = sample(dtype, shape, seed=2), sample(dtype, shape, seed=3)
    with np.errstate(invalid="ignore"):  # ml_dtypes' isnan
        y[np.isnan(x)] = 1  # of two NaNs a sum may be either
    operands = {
        "grad": sample(dtype, shape, seed=1),
        "x": x,
        "y": y,
        "negative_slope": negative_slope,
        "at_zero": at_zero,
    }
    return {name: operands[name] for name in case.operands}
