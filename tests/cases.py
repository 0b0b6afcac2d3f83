"""Tables of functions, dtypes and values that the tests share."""

import inspect
from dataclasses import dataclass

import numpy as np
import oracle
import pytest

import cyrelu

try:
    import ml_dtypes
    from ml_dtypes import finfo
except ImportError:  # cyrelu does without
    ml_dtypes, finfo = None, np.finfo


def types_named(names):
    """The scalar types of these dtypes by name, without those of ml_dtypes if it is missing."""
    types = {name: getattr(np, name, getattr(ml_dtypes, name, None)) for name in names}
    return {name: found for name, found in types.items() if found is not None}


# The dtypes that every function takes. A function may take more: those are among its case's.
FLOATS = [np.float32, np.float64]
FLOATS_16 = [each for each in types_named(oracle.FLOATS).values() if each not in FLOATS]
DTYPES = [*FLOATS, *FLOATS_16]
bfloat16 = types_named(["bfloat16"]).get("bfloat16")


def in_words(names):
    return f"{', '.join(names[:-1])} or {names[-1]}"


KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY

# A number for each factor that is not its default; for others it is three quarters of that.
OTHER_FACTORS = {"negative_slope": 0.3, "at_zero": 0.5}


@dataclass(frozen=True)
class Case:
    """One function of the package and how to call it."""

    name: str

    @property
    def oracle(self):
        """What the function must return, and the facts about it."""
        return oracle.OPERATIONS[self.name]

    @property
    def operands(self):
        """The ufunc's inputs, in order."""
        return tuple(self.oracle.parameters)

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
        parameters = self.oracle.parameters.values()
        return {each.name: each.default for each in parameters if each.default is not each.empty}

    @property
    def factors_before_out(self):
        parameters = self.oracle.parameters
        return [name for name in self.factors if parameters[name].kind is not KEYWORD_ONLY]

    @property
    def factors_after_out(self):
        return [name for name in self.factors if name not in self.factors_before_out]

    @property
    def other_factors(self):
        """Values of the factors that are not their defaults."""
        return {
            name: OTHER_FACTORS.get(name, 0.75 * default or 0.5)
            for name, default in self.defaults.items()
        }

    def factors_for(self, dtype):
        """The default factors, as numbers that arrays of this dtype may have beside them."""
        dtype = np.dtype(dtype)
        if dtype.char not in self.integers:
            return self.defaults
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return {
            name: dtype.type(max(least, min(default, most))).item()
            for name, default in self.defaults.items()
        }

    @property
    def dtypes(self):
        """The floating dtypes that it takes, among them those of DTYPES."""
        return list(types_named(self.oracle.dtypes).values())

    @property
    def integers(self):
        """The characters of the integers, bool among them, that it takes as they are."""
        bools = "" if self.oracle.refuses_bools else "?"
        return f"{bools}bBhHiIlLqQ" if self.oracle.takes_integers else ""

    @property
    def dtypes_in_words(self):
        """The dtypes that it computes in, as its errors name them."""
        words = ["bool"] * ("?" in self.integers) + ["an integer type"] * bool(self.integers)
        return in_words([*words, *self.oracle.dtypes])

    @property
    def inputs_in_words(self):
        """The dtypes that it takes, as its errors name them."""
        return in_words(["bool", "an integer type", *self.oracle.dtypes])

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
        return np.asarray(self.oracle(*inputs)).astype(dtype, copy=False)


CASES = [Case(name) for name in oracle.OPERATIONS]
TAKE_INTEGERS = [case for case in CASES if case.oracle.takes_integers]


def name_of(value):
    """The word for a function, a dtype or a string in the names of tests."""
    if isinstance(value, Case):
        return value.name
    return value if isinstance(value, str) else np.dtype(value).name


def each_of(cases):
    return pytest.mark.parametrize("case", cases, ids=name_of)


def each_dtype_of(dtypes):
    return pytest.mark.parametrize("dtype", dtypes, ids=name_of)


def each_pair(most_bytes):
    """Each function with each floating dtype of such a size that it takes."""
    pairs = [(case, dtype) for case in CASES for dtype in case.dtypes]
    pairs = [each for each in pairs if np.dtype(each[1]).itemsize <= most_bytes]
    return pytest.mark.parametrize(("case", "dtype"), pairs, ids=name_of)


each_function = each_of(CASES)
each_float = each_dtype_of(FLOATS)
# What depends on the size of an element alone, such as layouts, is tested with one dtype of each.
each_itemsize = each_dtype_of([*FLOATS, np.float16])
each_dtype = each_dtype_of(DTYPES)
each_function_and_dtype = each_pair(most_bytes=8)

# Python numbers that a user may pass as a factor, whatever its name.
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


# The bits of a quiet and of a signalling NaN, each with a payload; other dtypes have no payloads.
NAN_PAYLOADS = {
    "bfloat16": (0x7FC1, 0x7F81),
    "float16": (0x7E01, 0x7C01),
    "float32": (0x7FC01234, 0x7F801234),
    "float64": (0x7FF8000000001234, 0x7FF0000000001234),
}


def nan_payloads(dtype):
    """Quiet and signalling NaNs of both signs, each with a payload."""
    dtype = np.dtype(dtype)
    if dtype.name not in NAN_PAYLOADS:
        return np.array([np.nan, -np.nan], dtype)
    signs = (0, 1 << (8 * dtype.itemsize - 1))
    patterns = [bits | sign for bits in NAN_PAYLOADS[dtype.name] for sign in signs]
    return np.array(patterns, f"u{dtype.itemsize}").view(dtype)


def sample(dtype, shape, seed=0):
    """Random numbers of both signs, three in ten of them edge values; random bits of integers."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "biu":
        integers = random.integers(0, 256, (*np.atleast_1d(shape), 8), np.uint8)
        is_bool = np.dtype(dtype).kind == "b"
        return (integers > 100 if is_bool else integers.view(dtype))[..., 0].copy()
    array = np.asarray(random.normal(scale=4, size=shape), dtype=dtype)
    edges = edge_values(dtype)
    replaced = random.random(array.shape) < 0.3
    array[replaced] = random.choice(edges, replaced.sum())
    return array


@np.errstate(invalid="ignore")  # np.isnan of a signalling bfloat16 NaN warns
def without_two_nans(case, operands):
    """The operands, without a NaN where it would meet another, as the result may be either."""
    is_nan = False
    for name in case.arrays:
        if name in case.oracle.arithmetic:
            operands[name] = np.where(is_nan, operands[name].dtype.type(1), operands[name])
            is_nan = is_nan | np.isnan(operands[name])
    return operands


def operands_for(case, dtype, shape, **factors):
    """Operands by name: arrays of edge values and numbers, and Python numbers as factors."""
    arrays = {name: sample(dtype, shape, seed) for seed, name in enumerate(case.arrays, 1)}
    return without_two_nans(case, arrays) | case.factors_for(dtype) | factors


@np.errstate(invalid="ignore")
def assert_same_on_every_path(case, result, expected, operands):
    """Assert the same bits; where two operands are NaN that meet, the result may be either.

    Which of the two NaNs a sum or a product keeps depends on the compiler's order of the operands.
    """
    oracle.assert_same(result, expected)
    result, expected = np.asarray(result), np.asarray(expected)
    nans = sum(np.isnan(operands[name]).astype(int) for name in case.oracle.arithmetic)
    one = np.broadcast_to(nans, expected.shape) < 2
    np.testing.assert_array_equal(oracle.bits(result)[one], oracle.bits(expected)[one])
