"""The compiler and linker flags that setup.py uses; trial builds show which ones are supported.

The kinds of compilers are "msvc" and "unix", which means all others.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

EMPTY_PROGRAM = "int main(void) { return 0; }"


def program_if(condition: str) -> str:
    """A program that compiles only if this is true for the preprocessor."""
    return f"#if !({condition})\n#error\n#endif\n{EMPTY_PROGRAM}"


GCC_PROGRAM = program_if("!defined(__clang__)")  # clang ignores flags of gcc's, with a warning
INTEL_PROGRAM = program_if("defined(__INTEL_LLVM_COMPILER)")
X86_PROGRAM = program_if("defined(__i386__) || defined(__x86_64__)")

# Nothing of -ffast-math may be in force: it breaks NaN, infinities and -0.0. The flags of the
# environment (CFLAGS) come before these, so what they allow is undone here, in all its parts: gcc's
# -fno-fast-math does not undo an explicit part. Then the one exception: -fno-trapping-math lets gcc
# compute both sides of a choice; otherwise it vectorises none of the loops. It changes no result.
FLAGS = {
    "unix": [
        "-fno-fast-math",
        "-fno-unsafe-math-optimizations",
        "-fno-finite-math-only",
        "-fsigned-zeros",
        "-fno-associative-math",
        "-fno-reciprocal-math",
        "-fno-trapping-math",
        "-ffp-contract=off",
    ],
    "msvc": ["/fp:precise"],
}
# The same for the linker: with -Ofast, -ffast-math or -funsafe-math-optimizations, gcc and clang
# add an object file which, when it is loaded, makes the calling thread flush subnormals to zero.
LINK_FLAGS = {"unix": ["-O3", "-fno-fast-math", "-fno-unsafe-math-optimizations"], "msvc": []}
OPTIMIZATION = {"unix": ["-O3"], "msvc": ["/O2"]}
DEBUG_OPTIMIZATION = {"unix": ["-O1"], "msvc": ["/Od"]}
# Compiler and linker flags, in the order in which they are tried.
OPENMP_FLAGS = {
    "unix": [
        (["-fopenmp"], ["-fopenmp"]),
        (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),  # Apple's clang with a libomp on its paths
    ],
    "msvc": [(["/openmp"], [])],
}
# Compiler and linker flags that only some compilers have, and the program that shows which.
STRICT_FLAGS = {
    "unix": [
        (["-msse2", "-mfpmath=sse"], [], X86_PROGRAM),  # 32-bit x86 computes in 80 bits otherwise
        (["-fexcess-precision=standard", "-fno-single-precision-constant"], [], GCC_PROGRAM),
        (["-fdenormal-fp-math=ieee"], [], EMPTY_PROGRAM),  # clang
        ([], ["-mno-daz-ftz"], EMPTY_PROGRAM),  # gcc 14
        (["-fp-model=precise"], [], INTEL_PROGRAM),  # icx, whose default is -fp-model=fast
    ],
    "msvc": [],
}
# Compiler and linker flags that make a memory error in this code harder to exploit; each is used if
# the compiler supports it. They cost no time (benchmarks/NOTES.md).
HARDENING_FLAGS = {
    "unix": [
        (["-fstack-protector-strong"], []),
        (["-fstack-clash-protection"], []),
        (["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"], []),
        (["-fcf-protection"], []),  # x86
        (["-mbranch-protection=standard"], []),  # 64-bit Arm
        ([], ["-Wl,-z,relro,-z,now"]),
        ([], ["-Wl,-z,noexecstack"]),
    ],
    "msvc": [(["/guard:cf"], ["/guard:cf"])],
}
OPENMP_PROGRAM = """
#include <omp.h>
int main(void) { return omp_get_max_threads() < 1; }
"""
# For loop modules: a loop that does not begin at a cache line takes up to a fifth longer while its
# arrays are in L1, and which loops do not changes with every build (benchmarks/NOTES.md). gcc does
# not align vectorised loops, which it takes for short, unless told to.
LOOP_FLAGS = {
    "unix": [
        ("-falign-loops=64", EMPTY_PROGRAM),
        ("--param=align-loop-iterations=1", GCC_PROGRAM),
    ],
    "msvc": [],
}


class CompilerFlags:
    """The flags for a compiler object of setuptools."""

    def __init__(self, compiler: Any) -> None:
        self.compiler = compiler
        self.kind = "msvc" if compiler.compiler_type == "msvc" else "unix"

    def always(self, debug: bool) -> tuple[list[str], list[str]]:
        """Flags for the compiler and the linker, to come after those of the environment."""
        optimization = (DEBUG_OPTIMIZATION if debug else OPTIMIZATION)[self.kind]
        compile_flags, link_flags = self.accepted(STRICT_FLAGS[self.kind])
        return (
            optimization + FLAGS[self.kind] + compile_flags,
            LINK_FLAGS[self.kind] + link_flags,
        )

    def debug_information(self, debug: bool) -> list[str]:
        """Flags that leave it out, except from debug builds and where the environment asks for it.

        setuptools passes on CPython's own flags, which have -g on most systems. It takes 40% of
        gcc's time for a loop module. Flags here come last, so they would win over a -g elsewhere.
        """
        if debug or self.kind == "msvc":
            return []
        asked = (os.environ.get(name, "") for name in ("CC", "CFLAGS", "CPPFLAGS"))
        if any(flag.startswith("-g") for each in asked for flag in shlex.split(each)):
            return []
        return self.accepted([(["-g0"], [], EMPTY_PROGRAM)])[0]

    def instruction_sets(self, registry: Iterable[Any]) -> dict[str, list[str]]:
        """Flags by name, of the instruction sets that this compiler can build for."""
        flags, replaced = {}, set()
        for isa in registry:
            if isa.macro is None:
                flags[isa.name] = []
            elif self.kind in isa.flags:
                program = program_if(f"defined({isa.macro})")
                if self.links(program, isa.flags[self.kind], []):
                    flags[isa.name] = isa.flags[self.kind]
                    replaced.add(isa.replaces)
        return {name: flags[name] for name in flags if name not in replaced}

    def openmp(self, wanted: str) -> tuple[list[str], list[str]]:
        """Flags for the compiler and the linker; without OpenMP there are none, and a message."""
        if wanted == "off":
            print("cyrelu: building without OpenMP (CYRELU_OPENMP=off): one thread", flush=True)
            return [], []
        for flags in OPENMP_FLAGS[self.kind]:
            if self.links(OPENMP_PROGRAM, *flags):
                return flags
        missing = "cyrelu: the compiler cannot link an OpenMP program"
        if wanted == "require":
            sys.exit(f"{missing}, and CYRELU_OPENMP=require")
        print(f"{missing}: building without, calls use one thread", file=sys.stderr, flush=True)
        return [], []

    def loops(self) -> list[str]:
        return [flag for flag, program in LOOP_FLAGS[self.kind] if self.links(program, [flag], [])]

    def hardening(self) -> tuple[list[str], list[str]]:
        return self.accepted([(*flags, EMPTY_PROGRAM) for flags in HARDENING_FLAGS[self.kind]])

    def accepted(
        self, candidates: list[tuple[list[str], list[str], str]]
    ) -> tuple[list[str], list[str]]:
        """Those flags for the compiler and the linker with which the program links."""
        compile_flags, link_flags = [], []
        for *flags, program in candidates:
            if self.links(program, *flags):
                compile_flags += flags[0]
                link_flags += flags[1]
        return compile_flags, link_flags

    def flags_of_the_environment(self) -> list[str]:
        """Those that setuptools passes when it links a module, but not when it links a program."""
        if self.kind == "msvc":
            return []
        flags = (os.environ.get(name, "") for name in ("CFLAGS", "LDFLAGS"))
        return [flag for each in flags for flag in shlex.split(each)]

    def links(self, source: str, compile_flags: list[str], link_flags: list[str]) -> bool:
        """Whether this source compiles and links to a program with these flags."""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder, "program.c")
            program.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(program)], output_dir=folder, extra_postargs=compile_flags
                )
                self.compiler.link_executable(
                    objects,
                    "program",
                    output_dir=folder,
                    extra_postargs=self.flags_of_the_environment() + link_flags,
                )
            except Exception as failure:  # each compiler class raises errors of its own
                print(f"cyrelu: the compiler refuses {compile_flags + link_flags}: {failure}")
                return False
        return True
