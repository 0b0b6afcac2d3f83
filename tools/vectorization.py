"""Shows the vector widths that the compiler chooses for each loop, by its report on the real build.

Compiles everything as setup.py does, with gcc or with the clang that CC names, and prints a table
of the loops of each instruction set. Exits with 1 if a loop is not vectorised in one of them, or
not as wide as it should be, or if there are not as many loops as the tables of tools/codegen say.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools/codegen"), str(ROOT / "src/cyrelu/_platform")]
from dtypes import FLOATS, FLOATS_16, INTEGERS, NARROW_FLOATS  # noqa: E402
from instruction_sets import INSTRUCTION_SETS, InstructionSet  # noqa: E402
from loops import FACTORS, kinds_of_factors  # noqa: E402
from operations import OPERATIONS  # noqa: E402

# Where setup.py puts the C files.
GENERATED = ROOT / f"build/cython-release-numpy-{version('numpy')}/src/cyrelu/_loops"
COMPILER = os.environ.get("CC", "gcc")
if "clang" in COMPILER:
    REPORT_FLAGS = "-Rpass=loop-vectorize"
    REPORT = r"remark: vectorized loop \(vectorization width: (\d+|vscale)"
else:
    # Without -fno-ipa-icf gcc keeps one of several equal loops, and reports on no other.
    REPORT_FLAGS = "-fopt-info-vec-optimized -fno-ipa-icf"
    REPORT = r"optimized: loop vectorized using (\d+(?= byte)|variable length)"

# The loops, by the members of their fused types, which Cython numbers in their order:
# "static void __pyx_fuse_0_1_0__pyx_f_6cyrelu_6_loops_9x86_64_v3_contiguous(..." and its like,
# where the body follows (a declaration ends with a semicolon).
BY_NAME = {operation.name: operation for operation in OPERATIONS}
ALL = list(BY_NAME)
KINDS = dict(zip(FACTORS, ["", "first factor array", "array factors"], strict=True))
NUMBER_OR_ARRAY = [KINDS[FACTORS[0]], KINDS[FACTORS[-1]]]
F16, FLOAT, INTEGER, NARROW = (
    [dtype.name for dtype in group] for group in (FLOATS_16, FLOATS, INTEGERS, NARROW_FLOATS)
)
LOOPS = {
    "contiguous": (ALL, KINDS.values(), FLOAT),
    "choose": (ALL, F16),
    "widen_all": (NARROW,),
    "narrow_all": (NARROW,),
    "compute_in_integers": (["product", "sum"], NUMBER_OR_ARRAY, F16),
    "compute_pairs": (["product", "sum"], NUMBER_OR_ARRAY),
    "scale": (NUMBER_OR_ARRAY, F16),
    "both_gradients": (NUMBER_OR_ARRAY, FLOAT),
    "integers": (
        [operation.name for operation in OPERATIONS if operation.takes_integers],
        KINDS.values(),
        INTEGER,
    ),
}
DEFINITION = re.compile(
    rf"__pyx_fuse_(\d+(?:_\d+)*)__pyx_f_\w*?_(?<!run_)({'|'.join(LOOPS)})\(.*\{{$"
)
SCALABLE = 2048 // 8  # Arm's SVE: the vectors are as long as the processor has them, up to this


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = compile_with_report(folder)
        built = {path.name.split(".")[0] for path in Path(folder).rglob("_loops/*.so")}
    isas = [isa for isa in INSTRUCTION_SETS.values() if isa.module in built]
    widths: dict[tuple[str, str], set[int]] = defaultdict(set)
    loops = {isa.module: loops_of(isa.module) for isa in isas}
    for module, line, width in re.findall(rf"(\w+)\.c:(\d+):\d+: {REPORT}", report):
        if name := function_at(loops.get(module, {}), int(line)):
            unit = element_bytes(name) if "clang" in COMPILER else 1
            widths[name, module].add(int(width) * unit if width.isdigit() else SCALABLE)

    names = [name for _, _, name in copies()]
    print(f"{'bytes in a vector':45}", *(f"{isa.name:>16}" for isa in isas))
    for name in names:
        cells = (
            ", ".join(map(str, sorted(widths[name, isa.module])))
            or ("NONE" if is_expected(name, isa) else "F16C")
            for isa in isas
        )
        print(f"{name:45}", *(f"{cell:>16}" for cell in cells))
    good = [
        max(widths[name, isa.module], default=0) >= isa.vector_bytes
        for name in names
        for isa in isas
        if is_expected(name, isa)
    ]
    print(f"{sum(good)} of {len(good)} loops are vectorised at full width")
    return 0 if good and all(good) else 1


def compile_with_report(folder: str) -> str:
    """The output of the compiler while setup.py rebuilds everything in a folder."""
    finished = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--force", "-j1", f"-b{folder}", f"-t{folder}"],
        cwd=ROOT,
        env={**os.environ, "CC": COMPILER, "CFLAGS": REPORT_FLAGS}
        | {"CYRELU_DEBUG": "0", "CYRELU_OPENMP": "auto"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode:
        sys.exit(f"{finished.stdout}\nthe build failed")
    return finished.stdout


def copies() -> Iterator[tuple[str, str, str]]:
    """The loop, the numbers and the name of each copy that has something to vectorise."""
    for loop, members in LOOPS.items():
        for numbered in itertools.product(*map(enumerate, members)):
            numbers = "_".join(str(number) for number, _ in numbered)
            words = [word for _, word in numbered]
            if is_used(loop, words):
                yield loop, numbers, " ".join([loop, *filter(None, words)])


def is_used(loop: str, words: list[str]) -> bool:
    """Whether a copy is called, and has something to vectorise."""
    operation = BY_NAME.get(words[0])
    if operation and words[1] in KINDS.values():
        kinds = [KINDS[factors] for _, factors in kinds_of_factors(operation)]
        copied = loop == "integers" and words[0] == "relu" and words[-1].startswith("uint")
        return words[1] in kinds and not copied  # by memcpy
    if operation:
        return operation.selects
    if loop in ("widen_all", "narrow_all"):
        return any(
            not (each.selects and dtype in FLOATS_16)
            for each in OPERATIONS
            for dtype in each.dtypes
            if dtype.name == words[0]
        )
    # One number that is 0 or 1 is no loop, and no sum has one number.
    return not (loop == "scale" and not words[0]) and words[:2] != ["sum", ""]


def element_bytes(name: str) -> int:
    """Of the widest elements in the loop: clang counts elements where gcc counts bytes."""
    widest = {"both_gradients": 8, "compute_in_integers": 4, "compute_pairs": 4}
    widest |= {"widen_all": 4, "narrow_all": 4}
    return widest.get(name.split()[0]) or int(re.findall(r"\d+$", name)[0]) // 8


def is_expected(name: str, isa: InstructionSet) -> bool:
    """float16 is computed with F16C where a set has it (float16_arithmetic.pxd)."""
    return not (re.match("compute_in_integers.* float16", name) and isa.vector_bytes > 16)


def loops_of(module: str) -> dict[range, str]:
    """The lines of each loop's function in the generated C."""
    names = {(loop, numbers): name for loop, numbers, name in copies()}
    source = (GENERATED / f"{module}.c").read_text().splitlines()
    loops = {}
    for start, line in enumerate(source, 1):
        match = DEFINITION.search(line)
        if match and (name := names.get((match[2], match[1]))):
            end = next(i for i, text in enumerate(source[start:], start + 1) if text == "}")
            loops[range(start, end)] = name
    return loops


def function_at(loops: dict[range, str], line: int) -> str | None:
    return next((name for lines, name in loops.items() if line in lines), None)


if __name__ == "__main__":
    sys.exit(main())
