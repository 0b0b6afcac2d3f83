"""The cells that are measured, and the data of a cell.

The data is a repeated block of a million random numbers of mixed sign.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from cyrelu._testing import operations

RANDOM_BLOCK = 1_000_003
CHANNELS = 64
SLOPE = 0.01
# In place, each call works on the result of the one before. With a slope near 1, negative numbers
# stay far from the subnormals, which are slow, for some thousand calls.
SLOPE_IN_PLACE = 0.9999
LEAST_SIZE_FOR_THREADS = 100_000  # below, no package uses threads


@dataclass(frozen=True)
class Op:
    """The arguments of an operation, and how many arrays it reads or writes, each once."""

    arrays: tuple[str, ...]
    takes_slope: bool
    arrays_moved: int

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*self.arrays, *(["a"] if self.takes_slope else []))


# Other factors than a slope are left to their defaults.
OPS = {
    name: Op(arrays, "negative_slope" in factors, arrays_moved=len(arrays) + 1)
    for name, (arrays, factors) in operations().items()
}
RECTIFIERS = [name for name, op in OPS.items() if "y" not in op.arrays]
SUMS = [name for name, op in OPS.items() if "y" in op.arrays]
OPS |= {
    "prelu": Op(("x",), True, 2),  # leaky_relu with one slope for each channel
    # Shows whether streaming stores cost the next reader of the result more than they save.
    "relu_then_sum": Op(("x",), False, 3),
}


@dataclass(frozen=True)
class Cell:
    """One comparison: a task that all contenders perform."""

    op: str
    dtype: str
    size: int
    output: str  # fresh, out, in place
    threads: str  # 1, all
    layout: str = "contiguous"

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == "1" else "all threads"
        layout = [] if self.layout == "contiguous" else [self.layout]
        return ", ".join([self.op, self.dtype, short(self.size), self.output, threads, *layout])

    @property
    def bytes(self) -> int:
        """The bytes read and written; each array counts once, and a bias does not."""
        is_bias = self.layout in SHAPES and self.layout != "a residual"
        return self.bytes_of(OPS[self.op].arrays_moved - is_bias)

    def bytes_of(self, arrays: int) -> int:
        return arrays * self.size * np.dtype(self.dtype).itemsize

    @property
    def in_place_name(self) -> str:
        """The array that an operation in place overwrites."""
        return OPS[self.op].arrays[0]

    @property
    def memory(self) -> int:
        """Enough bytes for any formula: operands, JAX's copies, temporaries."""
        return self.bytes_of(10)


def short(size: int) -> str:
    """1000000 as 1e6."""
    power = len(str(size)) - 1
    return f"1e{power}" if size == 10**power and power > 2 else str(size)


DTYPES = ["float32", "float64"]
DTYPES_16 = ["float16", *(["bfloat16"] if find_spec("ml_dtypes") else [])]
INTEGERS = ["int8", "uint8", "int16", "int32", "int64"]
OUTPUTS = ["fresh", "out", "in place"]
SIZES = [1, 100, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8]
VIEWS = ["every second", "transposed", "block of rows"]
VIEW_SIZE = 10**6
# The shapes of x and y in sums.
SHAPES = {
    "a bias for each of 1024 columns": ((1024, 1024), (1024,)),
    "a bias for each of 64 columns": ((256, 64), (64,)),
    "a bias for each channel": ((32, 64, 56, 56), (64, 1, 1)),
    "a residual": ((1024, 1024), (1024, 1024)),
}


def product(ops, dtypes, sizes, outputs, threads, layouts=("contiguous",)) -> list[Cell]:
    """The useful combinations, one thread first: libgomp is slow when the team size changes."""
    return [
        Cell(op, dtype, size, output, thread, layout)
        for thread, size, op, dtype, output, layout in itertools.product(
            threads, sizes, ops, dtypes, outputs, layouts
        )
        if thread == "1" or size >= LEAST_SIZE_FOR_THREADS
    ]


def sums(ops, dtypes, outputs, threads) -> list[Cell]:
    return [
        cell
        for layout, (shape, _) in SHAPES.items()
        for cell in product(ops, dtypes, [math.prod(shape)], outputs, threads, [layout])
    ]


def full() -> list[Cell]:
    threads = ["1", "all"]
    view_ops = ["relu", "leaky_relu", "relu_backward"]
    return [
        *product(RECTIFIERS, DTYPES, SIZES, OUTPUTS, threads),
        *product(view_ops, DTYPES, [VIEW_SIZE], ["out"], threads, VIEWS),
        *product(view_ops, DTYPES, [VIEW_SIZE], ["fresh", "in place"], ["all"], VIEWS),
        *product(["prelu"], DTYPES, [VIEW_SIZE], ["fresh", "out"], threads),
        *product(["relu_then_sum"], ["float32"], [10**7, 10**8], ["out"], threads),
        *product(RECTIFIERS, DTYPES_16, SIZES[2:-1], ["fresh", "out"], threads),
        *product(["relu"], INTEGERS, SIZES[:-1], ["fresh", "out"], threads),
        *sums(SUMS, ["float32"], OUTPUTS, threads),
        *sums(["add_relu"], ["float64", *DTYPES_16, "int32"], ["fresh", "in place"], threads),
    ]


def quick() -> list[Cell]:
    """A selection that has cells of each target, but none of 1e8 elements."""
    dtypes, threads = ["float32"], ["1", "all"]
    return [
        *product(RECTIFIERS, dtypes, [100, 10**4], OUTPUTS, ["1"]),
        *product(RECTIFIERS, dtypes, [10**6, 10**7], OUTPUTS, ["all"]),
        *product(["relu", "leaky_relu"], dtypes, [VIEW_SIZE], ["out"], ["all"], VIEWS),
        *product(["prelu"], dtypes, [VIEW_SIZE], ["fresh", "out"], ["all"]),
        *product(["relu_then_sum"], dtypes, [10**7], ["out"], ["all"]),
        *product(["relu", "leaky_relu_backward"], DTYPES_16, [10**4, 10**6], ["out"], ["1"]),
        *product(["relu"], INTEGERS, [10**6], ["out"], ["all"]),
        *sums(["add_relu"], dtypes, ["fresh", "in place"], threads),
    ]


def matching(cells: Iterable[Cell], wanted: dict[str, set[str]]) -> list[Cell]:
    """The cells whose fields have one of the values wanted; sizes as 1000000 or 1e6."""
    unknown = set(wanted) - {field.name for field in fields(Cell)}
    if unknown:
        raise ValueError(f"cells have no field {', '.join(sorted(unknown))}")

    def texts(cell: Cell, field: str) -> set[str]:
        value = getattr(cell, field)
        return {str(value), short(value)} if field == "size" else {value}

    return [
        cell
        for cell in cells
        if all(texts(cell, field) & values for field, values in wanted.items())
    ]


@dataclass
class Operands:
    """The arrays of a cell. In place, out is the array that is overwritten."""

    arrays: dict[str, np.ndarray]
    out: np.ndarray
    slope: Any
    before: np.ndarray | None  # a copy of the array that is overwritten in place

    @property
    def x(self) -> np.ndarray:
        return self.arrays["x"]


def operands(cell: Cell) -> Operands:
    arrays = {
        name: laid_out(cell, seed, name) for seed, name in enumerate(OPS[cell.op].arrays, start=1)
    }
    in_place = cell.output == "in place"
    x = arrays["x"]
    slope = SLOPE_IN_PLACE if in_place else SLOPE
    if cell.op == "prelu":
        slope = np.linspace(slope, slope / 2, x.shape[1], dtype=cell.dtype)
    if in_place:
        out = arrays[cell.in_place_name]
        return Operands(arrays, out, slope, out.copy())
    out = np.full(x.shape, 0, cell.dtype)  # np.zeros would leave the page faults to a contender
    return Operands(arrays, out, slope, None)


def laid_out(cell: Cell, seed: int, name: str) -> np.ndarray:
    """An array of about the size of the cell (2-D ones are rounded), in its layout."""
    if cell.layout in SHAPES:
        return numbers(cell.dtype, SHAPES[cell.layout][name == "y"], seed)
    if cell.op == "prelu":
        return numbers(cell.dtype, (max(1, cell.size // CHANNELS), CHANNELS), seed)
    side = max(1, math.isqrt(cell.size))
    match cell.layout:
        case "contiguous":
            return numbers(cell.dtype, (cell.size,), seed)
        case "every second":
            return numbers(cell.dtype, (2 * cell.size,), seed)[::2]
        case "transposed":
            return numbers(cell.dtype, (side, side), seed).T
        case "block of rows":
            return numbers(cell.dtype, (side, side + side // 2), seed)[:, :side]
    raise ValueError(cell.layout)


def numbers(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.resize(random_block(dtype, seed)[: math.prod(shape)], shape)


@cache
def random_block(dtype: str, seed: int) -> np.ndarray:
    if dtype == "bfloat16":
        import ml_dtypes  # noqa: F401  without it, NumPy does not know the name

    source, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind in "iu":
        return source.integers(0, 256, RANDOM_BLOCK * kind.itemsize, np.uint8).view(kind)
    if kind in DTYPES:
        return source.standard_normal(RANDOM_BLOCK, kind)
    return source.standard_normal(RANDOM_BLOCK, np.float32).astype(kind)
