"""The loop file compiles by itself, into a loop for each operation, kind of factor and dtype."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cases import CASES, FLOATS, TAKE_INTEGERS

pytest.importorskip("Cython")

SOURCE = Path(__file__).resolve().parents[1] / "src"
LOOPS = SOURCE / "cyrelu/_loops"
pytestmark = [
    pytest.mark.skipif(not LOOPS.exists(), reason="the tests run without the source tree"),
    pytest.mark.thread_unsafe(reason="runs Cython, once is enough"),
]
KINDS_OF_FACTORS = 3  # numbers; the first an array; arrays
NARROW = {dtype for case in CASES for dtype in case.oracle.dtypes} - {"float32", "float64"}
COPIES = {
    "contiguous": len(CASES) * KINDS_OF_FACTORS * len(FLOATS),
    "run_floats16": len(CASES) * KINDS_OF_FACTORS * 2,
    "run_by_way_of_float": len(CASES) * KINDS_OF_FACTORS * len(NARROW),
    "choose": len(CASES) * 2,
    "integers": len(TAKE_INTEGERS) * KINDS_OF_FACTORS * 8,
}
FILES = {"run_floats16": "floats16", "choose": "floats16", "integers": "contiguous"}
FILES |= {"run_by_way_of_float": "narrow_floats"}


def compiled(name, folder):
    """The C code of a file, without the directives and the flags that setup.py adds."""
    target = folder / f"{name}.c"
    command = [sys.executable, "-m", "cython", "-3", "--module-name", f"cyrelu._loops.{name}"]
    finished = subprocess.run(
        [*command, str(LOOPS / f"{name}.pyx"), "-o", str(target)],
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout
    return target.read_text()


@pytest.mark.parametrize("name", ["loops", "baseline"])
def test_each_combination_has_its_own_copy(name, tmp_path):
    """No copy is missing, and none serves two combinations."""
    source = compiled(name, tmp_path)
    definition = r"^static .*__pyx_fuse_(\w+?)__pyx_f_\w+\d{}_{}\(.*{{$"
    for loop, count in COPIES.items():
        copies = re.findall(definition.format(FILES.get(loop, loop), loop), source, re.M)
        assert len(set(copies)) == len(copies) == count, loop
