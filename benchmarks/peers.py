"""The packages that are measured, and the check that they compute the same as cyrelu.

A package that is not installed is left out and reported, and so is a formula that raises or gives
another result than cyrelu in a cell.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import formulas
import numpy as np
import preparations
from cells import SHAPES, VIEWS, Cell, Operands, operands

CONTIGUOUS = frozenset(["contiguous"])
ANY_LAYOUT = frozenset({"contiguous", *VIEWS, *SHAPES})
ANY_THREADS = frozenset(["1", "all"])
CHECKED_SIZE = 1000
# Of 16-bit floats, some packages round the slope to the dtype first, as cyrelu does, some do not.
TOLERANCE = {"float32": 1e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 2e-2}


@dataclass(frozen=True)
class Contender:
    """One expression that performs the task of a cell."""

    package: str
    formula: str
    kind: str  # cyrelu, peer, limit


@dataclass(frozen=True)
class Package:
    """A package, its formulas, and the layouts and threads that it supports."""

    name: str
    modules: tuple[str, ...]
    formulas: Callable[[Cell], list[str]]
    names: Callable[[Cell, Operands, int], preparations.Names]
    kind: str = "peer"
    layouts: frozenset[str] = ANY_LAYOUT
    threads: frozenset[str] = ANY_THREADS
    set_threads: Callable[[int], Any] | None = None

    def load(self) -> None:
        """Import it, or raise."""
        for module in self.modules:
            importlib.import_module(module)
        if self.name in SETUP:
            SETUP[self.name]()

    def versions(self) -> dict[str, str]:
        names = [] if self.kind == "limit" else [name.split(".")[0] for name in self.modules]
        return {name: importlib.metadata.version(name) for name in names}

    def contenders(self, cell: Cell) -> list[Contender]:
        if cell.layout not in self.layouts or cell.threads not in self.threads:
            return []
        return [Contender(self.name, formula, self.kind) for formula in self.formulas(cell)]


def function_of(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is imported when it is called."""
    return lambda *arguments: getattr(importlib.import_module(module), name)(*arguments)


def configure_jax() -> None:
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)


SETUP = {
    "limit": function_of("limits", "load"),
    "PyTorch": lambda: function_of("torch", "set_grad_enabled")(False),
    "JAX": configure_jax,
}


def table(of: formulas.Formulas) -> Callable[[Cell], list[str]]:
    return partial(formulas.for_cell, of)


# cyrelu comes first: if several copies of an OpenMP runtime have the same name, the one loaded
# first serves all packages, and they share one team of threads.
PACKAGES = [
    Package(
        "cyrelu",
        ("cyrelu",),
        table(formulas.CYRELU),
        preparations.for_cyrelu,
        kind="cyrelu",
        set_threads=function_of("cyrelu", "set_num_threads"),
    ),
    Package("limit", ("limits",), formulas.limits, preparations.for_limits, kind="limit"),
    Package("NumPy", ("numpy",), table(formulas.NUMPY), preparations.for_numpy),
    Package(
        "numexpr",
        ("numexpr",),
        table(formulas.NUMEXPR),
        preparations.for_numexpr,
        set_threads=function_of("numexpr", "set_num_threads"),
    ),
    Package("Numba", ("numba",), table(formulas.NUMBA), preparations.for_numba),
    Package(
        "Numba, parallel",
        ("numba",),
        table(formulas.NUMBA_LOOP),
        preparations.for_numba_loop,
        layouts=CONTIGUOUS,
        set_threads=function_of("numba", "set_num_threads"),
    ),
    Package(
        "PyTorch",
        ("torch",),
        table(formulas.TORCH),
        preparations.for_torch,
        set_threads=function_of("torch", "set_num_threads"),
    ),
    # JAX's pool always has all threads, and its arrays are contiguous.
    Package(
        "JAX",
        ("jax",),
        table(formulas.JAX),
        preparations.for_jax,
        layouts=CONTIGUOUS,
        threads=frozenset(["all"]),
    ),
    Package(
        "ONNX Runtime",
        ("onnxruntime", "onnx"),
        table(formulas.ONNX_RUNTIME),
        preparations.for_onnx_runtime,
        layouts=CONTIGUOUS,
    ),
    Package(
        "thinc",
        ("thinc.api",),
        table(formulas.THINC),
        preparations.for_thinc,
        layouts=CONTIGUOUS,
    ),
]


def load(packages: list[Package]) -> tuple[list[Package], dict[str, str]]:
    """The packages that can be used, and why the others cannot."""
    usable, missing = [], {}
    for package in packages:
        try:
            package.load()
        except Exception as failure:  # a broken installation may raise anything
            missing[package.name] = in_one_line(failure)
        else:
            usable.append(package)
    return usable, missing


def in_one_line(failure: Exception) -> str:
    first = next(iter(str(failure).strip().splitlines()), "")
    return f"{type(failure).__name__}: {first}"


@cache
def objection(package: Package, formula: str, cell: Cell, threads: int) -> str:
    """Why a formula must not be timed: it raises, or does not compute the same as cyrelu. Else ''.

    The size of the cell does not matter; if it is always the same, a cached check serves all sizes.
    """
    ours = PACKAGES[0]
    try:
        expected = result(ours, ours.formulas(cell)[0], cell, threads)
        got = result(package, formula, cell, threads)
    except Exception as failure:  # a package may raise anything
        return in_one_line(failure)
    if package.kind == "limit":
        return ""
    if got.dtype != expected.dtype:
        return f"gives {got.dtype}, not {expected.dtype}"
    if got.shape != expected.shape:
        return f"gives the shape {got.shape}, not {expected.shape}"
    tolerance = TOLERANCE.get(cell.dtype, 0) * (cell.size if expected.ndim == 0 else 1)
    if cell.dtype == "bfloat16":
        got, expected = got.astype(np.float32), expected.astype(np.float32)
    if not np.allclose(got, expected, rtol=tolerance, atol=tolerance):
        return f"differs from cyrelu by up to {np.max(np.abs(got - expected)):.2g}"
    return ""


def result(package: Package, formula: str, cell: Cell, threads: int) -> np.ndarray:
    data = operands(cell)
    returned = eval(formula, package.names(cell, data, threads))
    return preparations.as_array(data.out if returned is None else returned)


def checkable(cell: Cell) -> Cell:
    return dataclasses.replace(cell, size=CHECKED_SIZE)
