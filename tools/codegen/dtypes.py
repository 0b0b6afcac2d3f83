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
    computes_in: str = ""  # the C type of products, and of a kernel's factors; "": none

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
    def is_16_bit_float(self) -> bool:
        return self.kind == "f" and self.c_type != self.computes_in


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
BFLOAT16 = Dtype("bfloat16", "bf16", "uint16_t", "f", computes_in="float")
FLOAT32 = Dtype("float32", "f32", "float", "f", computes_in="float")
FLOAT64 = Dtype("float64", "f64", "double", "f", computes_in="double")

# Those without a loop for integers begin with the first floating dtype.
DTYPES = [BOOL, *INTEGERS, FLOAT16, BFLOAT16, FLOAT32, FLOAT64]
FLOATS_16 = [FLOAT16, BFLOAT16]
FLOATS = [FLOAT32, FLOAT64]  # those of scalar.pxd

# In the order in which NumPy's ufuncs try them, as np.maximum does. bfloat16 is not NumPy's own:
# its number is known once ml_dtypes has been imported (_numpy/bfloat16.pyx).
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
