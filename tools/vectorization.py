"""Which vector widths gcc gives each contiguous loop, from its own report on the real build.

Compiles everything as setup.py does, with -fopt-info-vec-optimized added, and prints a table of
the loops of each instruction set. Exits with 1 if a loop is not vectorised in one of them, or not
as wide as it should be.
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
GENERATED = ROOT / "build/release-openmp-auto/src/cyrelu"  # where setup.py puts the C files
FULL_WIDTH = {"_loops_v3": 32, "_loops_v4": 32}  # bytes; gcc itself avoids 64 where it may
FUSED = {"0": "float32", "1": "float64"}  # Cython numbers the types of `floating`

# "static void __pyx_fuse_0__pyx_f_6cyrelu_9_loops_v3_contiguous_relu(..." and its like, where the
# body follows (a declaration ends in a semicolon).
DEFINITION = re.compile(r"__pyx_fuse_([01])__pyx_f_\w*?_(contiguous_\w+)\(.*\{$")
REPORT = re.compile(r"(_loops_\w+)\.c:(\d+):\d+: optimized: loop vectorized using (\d+) byte")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = compile_with_report(folder)
        modules = sorted(path.name.split(".")[0] for path in Path(folder).rglob("_loops_*.so"))
    loops = {module: contiguous_loops(module) for module in modules}
    widths: dict[tuple[str, str], set[int]] = defaultdict(set)
    for module, line, width in REPORT.findall(report):
        if name := function_at(loops[module], int(line)):
            widths[name, module].add(int(width))
    names = sorted({name for found in loops.values() for name in found.values()})
    print(f"{'bytes in a vector':45}", *(f"{module:>16}" for module in modules))
    for name in names:
        cells = (", ".join(map(str, sorted(widths[name, module]))) or "NONE" for module in modules)
        print(f"{name:45}", *(f"{cell:>16}" for cell in cells))
    good = [
        max(widths[name, module], default=0) >= FULL_WIDTH.get(module, 16)
        for name in names
        for module in modules
    ]
    print(f"{sum(good)} of {len(good)} contiguous loops are vectorised at full width")
    return 0 if good and all(good) else 1


def compile_with_report(folder: str) -> str:
    """What the compiler says while setup.py builds everything anew in a folder."""
    finished = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--force", "-j1", f"-b{folder}", f"-t{folder}"],
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


def contiguous_loops(module: str) -> dict[range, str]:
    """The lines of each contiguous loop's function in the generated C."""
    source = (GENERATED / f"{module}.c").read_text().splitlines()
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
