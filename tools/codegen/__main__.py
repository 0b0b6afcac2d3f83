"""Writes the files that only repeat the tables of operations and dtypes.

    python tools/codegen            writes them
    python tools/codegen --check    exits with 1 if one of them differs from what would be written

They are checked in: building cyrelu runs no generator.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

import c_interface
import loops
import python_interface

ROOT = Path(__file__).resolve().parents[2]
FILES: dict[str, Callable[[], str]] = {
    "src/cyrelu/_loops/operations.pxd": loops.operations_pxd,
    "src/cyrelu/_loops/dtypes.pxd": loops.dtypes_pxd,
    "src/cyrelu/_numpy/dtypes.pxd": loops.numpy_dtypes_pxd,
    "src/cyrelu/_loops/tags.pxd": loops.tags_pxd,
    "src/cyrelu/_loops/baseline.pyx": loops.baseline_pyx,
    "src/cyrelu/kernels.pxd": c_interface.kernels_pxd,
    "src/cyrelu/kernels.pyx": c_interface.kernels_pyx,
    "src/cyrelu/memoryviews.pxd": c_interface.memoryviews_pxd,
    "src/cyrelu/_numpy/api.pyi": python_interface.api_pyi,
    "tests/downstream/kernels_abi.txt": c_interface.kernels_abi,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    differing = 0
    for name, generate in FILES.items():
        path = ROOT / name
        wanted, found = generate() + "\n", path.read_text(encoding="utf-8") if path.exists() else ""
        if wanted == found:
            continue
        differing += 1
        if check:
            lines = difflib.unified_diff(
                found.splitlines(), wanted.splitlines(), name, "generated", lineterm=""
            )
            print(*lines, sep="\n")
        else:
            path.write_text(wanted, encoding="utf-8")
            print(f"codegen: wrote {name}")
    if check and differing:
        print(
            f"codegen: {differing} files differ from the tables; run `make generate`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
