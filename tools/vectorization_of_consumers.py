"""Shows which loops over the formulas of scalar.pxd compilers vectorise with common flags alone.

The loops are those of tests/downstream/consumer/own_loops.pyx: each formula with each kind of
factor. Prints a line for each compiler that is installed, and exits with 1 if a loop is not
vectorised that should be. docs/cython.md repeats what is expected.
"""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools/codegen")]
from operations import OPERATIONS  # noqa: E402

LOOPS = ROOT / "tests/downstream/consumer/own_loops.pyx"
IS_X86_64 = platform.machine().lower() in ("x86_64", "amd64")

INCLUDE = [f"-I{sysconfig.get_path('include')}"]
COMMANDS = ["gcc -O3", "clang -O2", "clang -O3"]
if IS_X86_64:
    COMMANDS += [f"gcc -O3 {flag}" for flag in ("-march=x86-64-v2", "-march=x86-64-v3")]
    COMMANDS += ["gcc -O3 -fno-trapping-math"]
REPORT_FLAGS = {"gcc": "-fopt-info-vec-optimized -fno-ipa-icf", "clang": "-Rpass=loop-vectorize"}
REPORT = re.compile(r"own_loops\.c:(\d+):\d+: (?:optimized: loop|remark:) vectorized")
DEFINITION = re.compile(r"static PyObject \*__pyx_pf_9own_loops_\d*(\w+)\(.*\{$")
# Without SSE4.2 gcc has no masks of 64 bits, and products by a factor that it knows need them, as
# may any other formula that does more than select.
# Where products may not trap, it makes a loop for each kind of two factors, and vectorises some.
LITERALS = r"(leaky_relu|relu_backward|leaky_relu_backward|add_leaky_relu)_\w*literal_f64"
PARAMETERS = r"leaky_relu_(grad|backward)_double_parameter_f64"
COMPUTED = [f"|{each.name}(_\\w+)?_f64" for each in OPERATIONS if not each.selects]
NOT_VECTORISED = {
    "gcc -O3": "".join([LITERALS, *COMPUTED]),
    "gcc -O3 -fno-trapping-math": PARAMETERS,
}


def main() -> int:
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "own_loops.c"
        cython = [sys.executable, "-m", "cython", "-3", f"-I{ROOT / 'src'}", str(LOOPS)]
        subprocess.run([*cython, "-o", str(source)], check=True)
        loops = loops_of(source)
        for command in COMMANDS:
            if shutil.which(command.split()[0]) is None:
                print(f"{command}: is not installed")
                continue
            missed = sorted(set(loops.values()) - vectorised(command, source, loops))
            expected = [name for name in missed if may_be_missed(command, name)]
            print(f"{command}: {len(loops) - len(missed)} of {len(loops)} loops are vectorised")
            print("".join(f"    not {name}\n" for name in missed if name not in expected), end="")
            failed |= missed != expected
    return int(failed)


def may_be_missed(command: str, name: str) -> bool:
    return IS_X86_64 and bool(re.fullmatch(NOT_VECTORISED.get(command, ""), name))


def loops_of(source: Path) -> dict[range, str]:
    """The lines of each loop's function in the generated C."""
    lines = source.read_text().splitlines()
    loops = {}
    for start, line in enumerate(lines, 1):
        if match := DEFINITION.match(line):
            end = next(i for i, text in enumerate(lines[start:], start + 1) if text == "}")
            loops[range(start, end)] = match[1]
    return loops


def vectorised(command: str, source: Path, loops: dict[range, str]) -> set[str]:
    compiler, *flags = shlex.split(command)
    finished = subprocess.run(
        [compiler, *flags, *REPORT_FLAGS[compiler].split(), *INCLUDE, "-w", "-c", str(source)],
        cwd=source.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    if finished.returncode:
        sys.exit(f"{finished.stderr}\n{command} failed")
    reported = {int(line) for line in REPORT.findall(finished.stderr)}
    return {name for lines, name in loops.items() if not reported.isdisjoint(lines)}


if __name__ == "__main__":
    sys.exit(main())
