"""The performance targets, which limit ratios of times in one run, and the verdict on each.

A target covers several cells and is met if each of them that was measured meets it.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from cells import DTYPES, DTYPES_16, INTEGERS, OPS, RECTIFIERS, SHAPES, SUMS, VIEWS, Cell
from results import CellResult

FORWARD = {"relu", "leaky_relu"}
BACKWARD = {name for name in RECTIFIERS if "grad" in OPS[name].arrays}
TINY, CACHED, MIDDLE, LARGE = {1, 100}, {10**4}, {10**5, 10**6}, {10**7, 10**8}


@dataclass(frozen=True)
class Target:
    """cyrelu takes at most a multiple (`most`) of another's time, in the cells of some fields."""

    work: str
    against: str  # a formula, a package, or the best "limit" or "peer"
    most: float
    fields: dict[str, set]
    of_all: str = "each"  # each cell, or the geometric "mean" of them

    def covers(self, cell: Cell) -> bool:
        wanted = {"dtype": {"float32"}, "layout": {"contiguous"}} | self.fields
        return all(getattr(cell, name) in values for name, values in wanted.items())


@dataclass(frozen=True)
class Verdict:
    """A target, the ratio that decides it, and the cell of that ratio."""

    target: Target
    ratio: float | None = None
    cell: Cell | None = None
    cells: int = 0
    cells_above: int = 0

    @property
    def word(self) -> str:
        if self.ratio is None:
            return "not measured"
        return "met" if round(self.ratio, 2) <= self.target.most else "missed"


def judge(target: Target, results: list[CellResult]) -> Verdict:
    found = [
        (row.ratio, each.cell)
        for each in results
        if target.covers(each.cell) and (row := each.row(target.against))
    ]
    if not found:
        return Verdict(target)
    above = sum(round(ratio, 2) > target.most for ratio, _ in found)
    if target.of_all == "mean":
        mean = statistics.geometric_mean(ratio for ratio, _ in found)
        return Verdict(target, mean, None, len(found), above)
    ratio, cell = max(found, key=lambda pair: pair[0])
    return Verdict(target, ratio, cell, len(found), above)


# Work, sizes, output, threads, the other contender, the ratio at most; float32, contiguous.
FORWARD_TABLE = [
    ("n <= 100", TINY, "out", "1", "np.maximum(x, 0, out=out)", 0.15),
    ("n <= 100", TINY, "fresh", "1", "np.maximum(x, 0)", 0.25),
    ("1e4", CACHED, "out", "1", "np.copyto(out, x)", 1.0),
    ("1e5 and 1e6", MIDDLE, "out", "all", "np.copyto(out, x)", 0.65),
    ("1e7 and 1e8", LARGE, "out", "all", "np.copyto(out, x)", 0.75),
    ("1e7 and 1e8", LARGE, "fresh", "all", "np.maximum(x, 0)", 0.5),
    ("1e7 and 1e8", LARGE, "out", "all", "limit", 1.1),
]
TORCH_TABLE = [
    ("n <= 100", TINY, "out", "1", "PyTorch", 0.10),
    ("n <= 100", TINY, "fresh", "1", "PyTorch", 0.15),
    ("1e4", CACHED, "out", "1", "PyTorch", 0.5),
    ("1e5 and 1e6", MIDDLE, "out", "all", "PyTorch", 1.0),
    ("1e7 and 1e8", LARGE, "out", "all", "PyTorch", 0.8),
    ("1e7 and 1e8", LARGE, "fresh", "all", "PyTorch", 0.4),
]


def of_tables() -> list[Target]:
    rows = [
        *(("relu, leaky_relu", FORWARD, row) for row in FORWARD_TABLE + TORCH_TABLE),
        *(("backward", BACKWARD, row) for row in TORCH_TABLE),
    ]
    return [
        Target(
            f"{ops}: {work}, {output}, {'all threads' if threads == 'all' else '1 thread'}",
            against,
            most,
            {"op": names, "size": sizes, "output": {output}, "threads": {threads}},
        )
        for ops, names, (work, sizes, output, threads, against, most) in rows
    ]


EVERYTHING = {"dtype": {"float32", "float64"}, "layout": {"contiguous", *VIEWS}}
SMALL_FLOATS = {"float16", "bfloat16"}
BY_DTYPE = [
    Target("16-bit floats, 1 thread", "PyTorch", 1.0, {"dtype": SMALL_FLOATS, "threads": {"1"}}),
    Target(
        "16-bit floats, all threads", "PyTorch", 1.0, {"dtype": SMALL_FLOATS, "threads": {"all"}}
    ),
    Target(
        "relu of float16, 1e4 and more",
        "NumPy",
        0.05,
        {"op": {"relu"}, "dtype": {"float16"}, "size": CACHED | MIDDLE | LARGE},
    ),
    Target("relu of integers", "np.maximum(x, 0, out=out)", 0.5, {"dtype": set(INTEGERS)}),
    Target("relu of integers", "np.copyto(out, x)", 1.1, {"dtype": set(INTEGERS)}),
    Target("relu of integers", "PyTorch", 1.0, {"dtype": set(INTEGERS)}),
    Target(
        "relu of every dtype, 1e6, out, all threads",
        "np.copyto(out, x)",
        1.0,
        {
            "op": {"relu"},
            "dtype": {*DTYPES, *DTYPES_16, *INTEGERS},
            "size": {10**6},
            "output": {"out"},
            "threads": {"all"},
        },
    ),
]
BIASES = {layout for layout in SHAPES if layout != "a residual"}
OF_SUMS = [
    Target(
        "a sum with a bias, in place",
        "cyrelu.relu(x, out=x)",
        1.15,
        {"op": {"add_relu"}, "output": {"in place"}, "layout": BIASES},
    ),
    Target(
        "a sum with a residual, in place, which is three arrays for two",
        "cyrelu.relu(x, out=x)",
        1.15 * 1.5,
        {"op": {"add_relu"}, "output": {"in place"}, "layout": {"a residual"}},
    ),
    Target(
        "a sum, new, 1e5 and more, all threads",
        "np.maximum(x + y, 0)",
        0.15,
        {"op": {"add_relu"}, "output": {"fresh"}, "threads": {"all"}, "layout": {*SHAPES}},
    ),
    Target(
        "sums",
        "peer",
        1.0,
        {"op": {*SUMS}, "dtype": {*DTYPES, *DTYPES_16, *INTEGERS}, "layout": {*SHAPES}},
    ),
]
TARGETS = [
    *BY_DTYPE,
    *OF_SUMS,
    Target("all cells", "peer", 1.0, EVERYTHING),
    Target("all cells, geometric mean", "peer", 0.5, EVERYTHING, of_all="mean"),
    *of_tables(),
    Target("relu: in place", "torch.relu_(x)", 1.0, {"op": {"relu"}, "output": {"in place"}}),
    Target(
        "leaky_relu and backward: in place",
        "PyTorch",
        1.0,
        {"op": {"leaky_relu"} | BACKWARD, "output": {"in place"}},
    ),
    Target("relu: views", "NumPy", 1.0, {"op": {"relu"}, "layout": set(VIEWS)}),
    Target("leaky_relu: views", "NumPy", 1.0, {"op": {"leaky_relu"}, "layout": set(VIEWS)}),
    Target("leaky_relu: a slope for each channel", "NumPy", 1.0, {"op": {"prelu"}}),
    Target("relu, then sum of the result", "NumPy", 1.0, {"op": {"relu_then_sum"}}),
    Target("relu, then sum of the result", "PyTorch", 1.0, {"op": {"relu_then_sum"}}),
]


def judge_all(results: list[CellResult]) -> list[Verdict]:
    return [judge(target, results) for target in TARGETS]
