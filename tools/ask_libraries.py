"""Calls cyrelu with the arrays of other libraries, and writes the table of the docs.

    python tools/ask_libraries.py docs/other_libraries_table.md

Each entry is the type of what was returned, or the error. np.maximum(x, 0) is there to compare.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cyrelu

warnings.simplefilter("ignore")

CALLS: dict[str, Callable[[Any], Any]] = {
    "np.maximum(x, 0)": lambda x: np.maximum(x, 0),
    "relu(x)": cyrelu.relu,
    "leaky_relu(x)": cyrelu.leaky_relu,
    "relu_backward(x, x)": lambda x: cyrelu.relu_backward(x, x),
    "add_relu(x, x)": lambda x: cyrelu.add_relu(x, x),
}
NUMBERS = np.array([-2.0, 0.0, 3.0], np.float32)


class Subclass(np.ndarray):
    pass


def of(module: str, make: Callable[[Any], Any]) -> Callable[[], Any]:
    """What makes an array with a module, which is imported when it is called."""
    return lambda: make(importlib.import_module(module))


ARRAYS: dict[str, tuple[str, Callable[[], Any]]] = {  # the module whose version is shown, the array
    "a list": ("", lambda: NUMBERS.tolist()),
    "a subclass of numpy.ndarray": ("numpy", lambda: NUMBERS.view(Subclass)),
    "numpy.ma.MaskedArray": ("numpy", lambda: np.ma.masked_less(NUMBERS, -1)),
    "pandas.Series": ("pandas", of("pandas", lambda pd: pd.Series(NUMBERS))),
    "pandas.Series, Float32": (
        "pandas",
        of("pandas", lambda pd: pd.Series([-2, None, 3], dtype="Float32")),
    ),
    "pandas.DataFrame": ("pandas", of("pandas", lambda pd: pd.DataFrame({"a": NUMBERS}))),
    "xarray.DataArray": ("xarray", of("xarray", lambda xr: xr.DataArray(NUMBERS))),
    "xarray.Dataset": ("xarray", of("xarray", lambda xr: xr.Dataset({"a": ("t", NUMBERS)}))),
    "dask.array": ("dask", of("dask.array", lambda da: da.from_array(NUMBERS, chunks=2))),
    "polars.Series": ("polars", of("polars", lambda pl: pl.Series(NUMBERS))),
    "pyarrow.Array": ("pyarrow", of("pyarrow", lambda pa: pa.array(NUMBERS))),
    "sparse.COO": ("sparse", of("sparse", lambda sparse: sparse.COO(NUMBERS))),
    "scipy.sparse.csr_array": (
        "scipy",
        of("scipy.sparse", lambda sparse: sparse.csr_array(NUMBERS[None])),
    ),
    "awkward.Array": ("awkward", of("awkward", lambda ak: ak.Array([[-2.0, 0.0], [3.0]]))),
    "pint.Quantity": ("pint", of("pint", lambda pint: pint.UnitRegistry().Quantity(NUMBERS, "m"))),
    "astropy.units.Quantity": ("astropy", of("astropy.units", lambda u: NUMBERS * u.m)),
    "array_api_strict": (
        "array_api_strict",
        of("array_api_strict", lambda xp: xp.asarray(NUMBERS)),
    ),
    "torch.Tensor": ("torch", of("torch", lambda torch: torch.tensor(NUMBERS))),
    "torch.Tensor, requires_grad": (
        "torch",
        of("torch", lambda torch: torch.tensor(NUMBERS, requires_grad=True)),
    ),
    "jax.Array": ("jax", of("jax.numpy", lambda jnp: jnp.asarray(NUMBERS))),
}


def main(target: str) -> None:
    rows = ["| x | " + " | ".join(f"`{call}`" for call in CALLS) + " |"]
    rows.append("|---" * (len(CALLS) + 1) + "|")
    missing = []
    for name, (module, make) in ARRAYS.items():
        try:
            x = make()
        except ImportError as error:
            missing.append(f"{name} ({error})")
            continue
        version = f" {importlib.import_module(module).__version__}" if module else ""
        answers = [answer(call, x) for call in CALLS.values()]
        rows.append(f"| {name}{version} | " + " | ".join(answers) + " |")
    Path(target).write_text("\n".join(rows) + "\n")
    print("\n".join(rows))
    if missing:
        sys.exit(f"not installed: {'; '.join(missing)}")


def answer(call: Callable[[Any], Any], x: Any) -> str:
    try:
        result = type(call(x))
    except Exception as refusal:  # each library raises errors of its own
        return f"`{type(refusal).__name__}`"
    return f"{result.__module__.split('.')[0]}.{result.__name__}"


if __name__ == "__main__":
    main(sys.argv[1])
