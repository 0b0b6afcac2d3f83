"""Which vector widths gcc gives each contiguous loop, from its own report on the real build.

Compiles the loop modules as setup.py does, with -fopt-info-vec-optimized added, and prints a
table. Exits with 1 if a contiguous loop is not vectorised for one of the dtypes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE = "_loops_baseline"
GENERATED = ROOT / f"build/release-openmp-auto/src/cyrelu/{MODULE}.c"  # where setup.py puts it
FUSED = {"0": "float32", "1": "float64"}  # Cython numbers the types of `floating`

# "static void __pyx_fuse_0__pyx_f_6cyrelu_15_loops_baseline_contiguous_relu(..." and its like,
# where the body follows (a declaration ends in a semicolon).
DEFINITION = re.compile(r"__pyx_fuse_([01])__pyx_f_\w*?_(contiguous_\w+)\(.*\{$")
REPORT = re.compile(rf"{MODULE}\.c:(\d+):\d+: optimized: loop vectorized using (\d+) byte")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = compile_with_report(folder)
    loops = contiguous_loops(GENERATED.read_text().splitlines())
    widths: dict[str, set[int]] = defaultdict(set)
    for line, width in REPORT.findall(report):
        if name := function_at(loops, int(line)):
            widths[name].add(int(width))
    for name in sorted(loops.values()):
        found = ", ".join(f"{width}" for width in sorted(widths[name], reverse=True))
        print(f"{name:45} {f'vectors of {found} bytes' if found else 'NOT VECTORISED'}")
    missing = [name for name in loops.values() if not widths[name]]
    print(f"{len(loops) - len(missing)} of {len(loops)} contiguous loops are vectorised")
    return 1 if missing or not loops else 0


def compile_with_report(folder: str) -> str:
    """What the compiler says while setup.py builds everything anew in a folder."""
    finished = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--force", f"-b{folder}", f"-t{folder}"],
        cwd=ROOT,
        env={**os.environ, "CC": "gcc", "CFLAGS": "-fopt-info-vec-optimized"}
        | {"CYRELU_DEBUG": "0", "CYRELU_OPENMP": "auto"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode:
        sys.exit(f"{finished.stdout}\nthe build failed")
    return finished.stdout


def contiguous_loops(source: list[str]) -> dict[range, str]:
    """The lines of each contiguous loop's function in the generated C."""
    loops = {}
    for start, line in enumerate(source, 1):
        if match := DEFINITION.search(line):
            fused, name = match.groups()
            end = next(i for i, text in enumerate(source[start:], start + 1) if text == "}")
            loops[range(start, end)] = f"{name} {FUSED[fused]}"
    return loops


def function_at(loops: dict[range, str], line: int) -> str | None:
    return next((name for lines, name in loops.items() if line in lines), None)


if __name__ == "__main__":
    sys.exit(main())
