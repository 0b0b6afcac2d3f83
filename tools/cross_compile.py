"""Compiles the generated C of every module for other systems.

The compilers are Debian's clang for this machine, mingw-w64's gcc, and the clang of the ziglang
package for Windows and macOS, x86-64 and 64-bit Arm. Warnings of -Wall -Wextra are errors, except
those that Cython's own code causes, which are named below. Limits: objects are compiled, but not
linked or run; Python's headers are this machine's, with a replacement for pyconfig.h; NumPy's are
those of NumPy's own wheels for the system. OpenMP is off where the compiler has none for the system
(zig). clang compiles the branches for Microsoft's compiler separately, in its Microsoft mode, with
declarations of the intrinsics as documented. That finds errors of syntax and type, but not
everything to which cl may object.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from textwrap import dedent

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src/cyrelu/_platform"))
from instruction_sets import INSTRUCTION_SETS, InstructionSet  # noqa: E402

# Where setup.py puts the C files.
GENERATED = ROOT / f"build/cython-release-numpy-{np.__version__}/src/cyrelu"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-warning-option"]
# Warnings that Cython's code causes in every module.
CYTHONS = [
    "-Wno-unused-function",  # helpers in case they are needed
    "-Wno-sign-compare",  # Python integers to unsigned ones, where a long has 32 bits
]
FLAGS = ["-c", "-O1", "-fno-trapping-math", "-ffp-contract=off", *WARNINGS, *CYTHONS]
MACROS = [
    "-DCYTHON_WITHOUT_ASSERTIONS=1",
    "-DNPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION",
    "-DNPY_TARGET_VERSION=NPY_2_0_API_VERSION",
]


MICROSOFT = [
    *("clang", "-c", "--target=x86_64-pc-windows-msvc", "-fms-compatibility-version=19.40"),
    *("-U__clang__", "-nostdinc", "-fno-builtin", f"-I{ROOT / 'tools/cross/msvc'}"),
]
C_BLOCK = re.compile(r'cdef extern from \*:\n    """\n(.*?)"""', re.DOTALL)


@dataclass(frozen=True)
class Target:
    name: str
    compiler: list[str]
    numpy_platform: str | None  # of the wheel with the headers; None: this machine's
    architecture: str
    flags: list[str] = field(default_factory=list)


def targets() -> Iterator[Target]:
    zig = [sys.executable, "-m", "ziglang", "cc"]
    mac, mac_arm = "macosx_14_0_x86_64", "macosx_14_0_arm64"
    here = os.uname().machine.replace("_", "-")
    yield Target("clang", ["clang"], None, here, ["-fopenmp"])
    yield Target("mingw-w64 gcc", ["x86_64-w64-mingw32-gcc"], "win_amd64", "x86-64", ["-fopenmp"])
    yield Target(
        "zig Windows x86-64", [*zig, "-target", "x86_64-windows-gnu"], "win_amd64", "x86-64"
    )
    yield Target(
        "zig Windows Arm", [*zig, "-target", "aarch64-windows-gnu"], "win_arm64", "aarch64"
    )
    yield Target("zig macOS x86-64", [*zig, "-target", "x86_64-macos"], mac, "x86-64")
    yield Target("zig macOS Arm", [*zig, "-target", "aarch64-macos"], mac_arm, "aarch64")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="only the targets whose names contain this", default="")
    options = parser.parse_args()
    chosen = [target for target in targets() if options.only in target.name]
    if not GENERATED.exists():
        sys.exit(f"cross_compile: no C files in {GENERATED}; build cyrelu first")
    translate_all_loops()
    sources = sorted(GENERATED.rglob("*.c"))
    faults = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for target in chosen:
            if not shutil.which(target.compiler[0]):
                print(f"{target.name}: {target.compiler[0]} is not installed")
                faults += 1
                continue
            includes = include_folders(target, Path(folder))
            modules = [source for source in sources if is_for(source, target)]
            compiler = partial(compile_one, target=target, includes=includes, folder=folder)
            results = pool.map(compiler, modules)
            refused = [output for output in results if output]
            print(*refused, sep="\n", end="\n" if refused else "")
            print(f"{target.name}: {len(modules) - len(refused)} of {len(modules)} modules compile")
            faults += len(refused)
        if not options.only:
            faults += microsofts_branches(Path(folder))
    return 1 if faults else 0


def translate_all_loops() -> None:
    """Write the C files also of the loop modules that are not built on this machine."""
    with contextlib.chdir(ROOT):
        build = runpy.run_path("setup.py")
        build["translate"]([build["extension"](name) for name in build["LOOP_MODULES"]])


def microsofts_branches(folder: Path) -> int:
    """How many C blocks in our sources, of those with a branch for cl, do not compile."""
    faults = 0
    for source in sorted((ROOT / "src/cyrelu").rglob("*.p*")):
        blocks = [block for block in C_BLOCK.findall(source.read_text()) if "_MSC_VER" in block]
        if not blocks:
            continue
        unit = folder / f"{source.name}.c"
        unit.write_text("typedef long long Py_ssize_t;\n" + "\n".join(map(dedent, blocks)))
        finished = subprocess.run(
            [*MICROSOFT, *WARNINGS, "-Wno-unused-function", str(unit), "-o", os.devnull],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(f"clang as MSVC, {source.name}: {finished.stdout or 'compiles'}")
        faults += finished.returncode != 0
    return faults


def is_for(source: Path, target: Target) -> bool:
    isa = isa_of(source)
    return isa is None or isa.architecture in (None, target.architecture)


def isa_of(source: Path) -> InstructionSet | None:
    """The instruction set of a loop module."""
    if source.parent.name != "_loops":
        return None
    sets = INSTRUCTION_SETS.values()  # without one that is no longer built
    return next((isa for isa in sets if isa.module == source.stem), None)


def compile_one(source: Path, target: Target, includes: list[str], folder: str) -> str:
    """The output of the compiler if it fails, else ''."""
    isa = isa_of(source)
    march = isa.flags.get("unix", []) if isa else []
    if "zig" in target.name:
        march = [flag.replace("x86-64-", "x86_64_") for flag in march]  # zig's names for them
    place = Path(folder, f"{target.name} {source.stem}.o")
    command = [*target.compiler, *FLAGS, *target.flags, *march, *MACROS, *includes]
    finished = subprocess.run(
        [*command, str(source), "-o", str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return f"{target.name}, {source.name}:\n{finished.stdout}" if finished.returncode else ""


def include_folders(target: Target, folder: Path) -> list[str]:
    python = sysconfig.get_path("include")
    if target.numpy_platform is None:
        return ["-isystem", python, "-isystem", np.get_include()]
    headers = numpy_headers(target.numpy_platform, folder)
    # As system headers: their warnings are not ours. The replacement precedes the real pyconfig.h.
    return ["-isystem", str(without_pyconfig(python, folder)), "-isystem", str(headers)]


def without_pyconfig(python: str, folder: Path) -> Path:
    copy = folder / "python"
    if not copy.exists():
        shutil.copytree(python, copy)
        shutil.copy(ROOT / "tools/cross/pyconfig.h", copy)
    return copy


def numpy_headers(platform: str, folder: Path) -> Path:
    place = folder / platform
    if not place.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        choice = ["--only-binary", ":all:", "--platform", platform, "--dest", str(place)]
        subprocess.run([*pip, *choice, f"numpy=={np.__version__}"], check=True)
        [wheel] = place.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(place)
    return place / "numpy/_core/include"


if __name__ == "__main__":
    sys.exit(main())
