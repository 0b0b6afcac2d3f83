"""Writes what only repeats the tables of operations and dtypes: files, and parts of files.

    python tools/codegen            writes them
    python tools/codegen --check    exits with 1 if one of them differs from what would be written

They are checked in: building cyrelu runs no generator.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import c_interface
import consumer
import contiguous
import documents
import loops
import numba_interface
import python_interface

ROOT = Path(__file__).resolve().parents[2]
ABI = "tests/downstream/kernels_abi.txt"
ABI_HELP = """\
Consumers that are compiled already would fail to import. To change a function, add it under a new
name and keep the old; to remove one takes a new major version, and a line under "C interface" in
CHANGELOG.md. Then delete its lines by hand first."""
FILES: dict[str, Callable[[], str]] = {
    "src/cyrelu/_loops/operations.pxd": loops.operations_pxd,
    "src/cyrelu/_loops/dtypes.pxd": loops.dtypes_pxd,
    "src/cyrelu/_numpy/dtypes.pxd": loops.numpy_dtypes_pxd,
    "src/cyrelu/_loops/tags.pxd": loops.tags_pxd,
    "src/cyrelu/_loops/contiguous.pxd": contiguous.contiguous_pxd,
    "src/cyrelu/_loops/baseline.pyx": loops.baseline_pyx,
    "src/cyrelu/kernels.pxd": c_interface.kernels_pxd,
    "src/cyrelu/kernels.pyx": c_interface.kernels_pyx,
    "src/cyrelu/memoryviews.pxd": c_interface.memoryviews_pxd,
    "src/cyrelu/_numpy/api.pyx": python_interface.api_pyx,
    "src/cyrelu/__init__.py": python_interface.init_py,
    "src/cyrelu/ufuncs.py": python_interface.ufuncs_py,
    "src/cyrelu/_numba/formulas.py": numba_interface.formulas_py,
    "src/cyrelu/_numba/overloads.py": numba_interface.overloads_py,
    "src/cyrelu/_numpy/api.pyi": python_interface.api_pyi,
    ABI: c_interface.kernels_abi,
    "tests/downstream/consumer/each_function.pxi": consumer.each_function_pxi,
    "tests/downstream/consumer/own_loops.pyx": consumer.own_loops_pyx,
    ".gitattributes": lambda: documents.gitattributes(FILES),
}
REGIONS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {
        "functions": documents.function_table,
        "edge values": documents.edge_value_table,
    },
    "docs/reference.md": {
        "functions": documents.autosummary,
        "instruction sets": documents.instruction_set_table,
        "ufuncs": documents.ufunc_signatures,
    },
    "docs/cython.md": {"kernels": documents.kernel_signatures},
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    differing = 0
    for name, found, wanted in contents():
        if wanted == found:
            continue
        if name == ABI and (lost := set(found.splitlines()) - set(wanted.splitlines())):
            sys.exit("\n".join([f"codegen: {ABI} would lose", *sorted(lost), ABI_HELP]))
        differing += 1
        if check:
            lines = difflib.unified_diff(
                found.splitlines(), wanted.splitlines(), name, "generated", lineterm=""
            )
            print(*lines, sep="\n")
        else:
            (ROOT / name).write_text(wanted, encoding="utf-8")
            print(f"codegen: wrote {name}")
    if check and differing:
        print(
            f"codegen: {differing} files differ from the tables; run `make generate`",
            file=sys.stderr,
        )
        return 1
    return 0


def contents() -> Iterator[tuple[str, str, str]]:
    """The name of each file, what it holds, and what it should hold."""
    for name, generate in FILES.items():
        path = ROOT / name
        yield name, path.read_text(encoding="utf-8") if path.exists() else "", generate() + "\n"
    for name, regions in REGIONS.items():
        found = (ROOT / name).read_text(encoding="utf-8")
        yield name, found, documents.with_regions(found, regions)


if __name__ == "__main__":
    sys.exit(main())
