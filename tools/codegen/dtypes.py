"""The table of dtypes: each that an array may have is declared here, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dtype:
    """A dtype of arrays."""

    name: str  # NumPy's
    suffix: str  # of its kernels
    c_type: str  # that its elements are stored in
    kind: str  # as in NumPy's dtype.kind: "f" for every floating dtype, "b", "i" and "u" for others
    computes_in: str = ""  # the C type of products, and of a float kernel's factors
    of_ml_dtypes: bool = False  # a type of that package, which NumPy knows once it is imported

    @property
    def enumerator(self) -> str:
        return self.name.upper()

    @property
    def tag(self) -> str:
        return self.name.capitalize()

    @property
    def is_integer(self) -> bool:
        return self.kind in "iu"

    @property
    def is_narrow_float(self) -> bool:
        """Whether its numbers are computed in float; conversions.pxd says what they mean."""
        return self.kind == "f" and self.c_type != self.computes_in

    @property
    def factor_type(self) -> str:
        """The C type of a kernel's factors."""
        return self.computes_in or self.c_type


@dataclass(frozen=True)
class NumpyType:
    """A type of NumPy's, and the dtype of its arrays: int64 may be C's long or long long."""

    name: str  # as in NPY_BYTE
    dtype: str  # {} stands for the size in bits of the C type
    c_type: str = ""

    @property
    def number(self) -> str:
        return f"NPY_{self.name.upper()}"

    @property
    def scalar_type(self) -> str:
        """The type of NumPy's scalars, in NumPy's C interface."""
        name = {"ubyte": "UByte", "ushort": "UShort", "uint": "UInt", "ulong": "ULong"}
        name |= {"longlong": "LongLong", "ulonglong": "ULongLong"}
        return f"Py{name.get(self.name, self.name.capitalize())}ArrType_Type"


BOOL = Dtype("bool", "b8", "uint8_t", "b")
INTEGERS = [
    Dtype(f"{prefix}int{bits}", f"{prefix or 'i'}{bits}", f"{prefix}int{bits}_t", prefix or "i")
    for prefix in ("", "u")
    for bits in (8, 16, 32, 64)
]
FLOAT16 = Dtype("float16", "f16", "uint16_t", "f", computes_in="float")
BFLOAT16 = Dtype("bfloat16", "bf16", "uint16_t", "f", computes_in="float", of_ml_dtypes=True)
FLOAT32 = Dtype("float32", "f32", "float", "f", computes_in="float")
FLOAT64 = Dtype("float64", "f64", "double", "f", computes_in="double")

FLOATS_16 = [FLOAT16, BFLOAT16]
FLOATS = [FLOAT32, FLOAT64]  # those of scalar.pxd
DTYPES = [BOOL, *INTEGERS, *FLOATS_16, *FLOATS]  # a new one goes to the end
NARROW_FLOATS = [dtype for dtype in DTYPES if dtype.is_narrow_float]

# What operations have loops for: floats alone, to which integers are cast, or all of these.
FLOATING = (*FLOATS_16, *FLOATS)
ALL_DTYPES = (BOOL, *INTEGERS, *FLOATING)

# In the order in which NumPy's ufuncs try them, as np.maximum does. The number of a type of
# ml_dtypes is known once that has been imported (_numpy/ml_types.pyx).
NUMPY_TYPES = [
    NumpyType("bool", "bool"),
    NumpyType("byte", "int8"),
    NumpyType("ubyte", "uint8"),
    NumpyType("short", "int16"),
    NumpyType("ushort", "uint16"),
    NumpyType("int", "int32"),
    NumpyType("uint", "uint32"),
    NumpyType("long", "int{}", "long"),
    NumpyType("ulong", "uint{}", "long"),
    NumpyType("longlong", "int64"),
    NumpyType("ulonglong", "uint64"),
    NumpyType("half", "float16"),
    NumpyType("float", "float32"),
    NumpyType("double", "float64"),
]
