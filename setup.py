"""What pyproject.toml cannot say: the extension modules, and flags for the compiler at hand.

Environment variables, read at build time:
    CYRELU_OPENMP   auto (default: use OpenMP where the compiler has it), require, off
    CYRELU_DEBUG    1: bounds checks, initialisation checks and assertions, for the test suite
    CYRELU_SANITIZE the compiler's sanitizers to build with, such as address,undefined or thread;
                    gcc's and clang's only (make sanitize runs the tests with them)
"""

import gzip
import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

OPENMP = os.environ.get("CYRELU_OPENMP", "auto")
DEBUG = os.environ.get("CYRELU_DEBUG", "0") == "1"
SANITIZE = os.environ.get("CYRELU_SANITIZE", "")
BUILD_DIR = f"build/{'debug' if DEBUG else 'release'}-openmp-{OPENMP}"  # never mix their objects
if SANITIZE:
    BUILD_DIR += "-" + SANITIZE.replace(",", "-")

if OPENMP not in ("auto", "require", "off"):
    sys.exit(f"CYRELU_OPENMP is {OPENMP!r}; expected auto, require or off")

# -fno-trapping-math lets gcc compute both sides of a choice, without which it vectorises none of
# the loops; it changes no result. Nothing of -ffast-math is used: it breaks NaN and -0.0.
FLAGS = {
    "unix": ["-O1" if DEBUG or SANITIZE else "-O3", "-fno-trapping-math", "-ffp-contract=off"],
    "msvc": ["/Od" if DEBUG else "/O2", "/fp:precise"],
}
# -fno-wrapv: most Pythons hand on -fwrapv, with which no overflow of an integer would be reported.
# -U_FORTIFY_SOURCE: sanitizers watch memcpy and its like, not the checking ones in their place.
# -fno-sanitize-recover: undefined behaviour ends the process, that nobody can overlook it.
SANITIZER_FLAGS = (
    [
        *(f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=undefined"),
        *("-fno-omit-frame-pointer", "-g", "-fno-wrapv", "-U_FORTIFY_SOURCE"),
    ]
    if SANITIZE
    else []
)
# The loop modules of each instruction set: flags, and a macro that these must bring about. The
# baseline, for whatever the compiler targets by default, is built where the first one is not.
BASELINE = "cyrelu._loops_baseline"
INSTRUCTION_SETS = {
    "cyrelu._loops_v2": ({"unix": ["-march=x86-64-v2"]}, "__SSE4_2__"),
    "cyrelu._loops_v3": ({"unix": ["-march=x86-64-v3"], "msvc": ["/arch:AVX2"]}, "__AVX2__"),
    "cyrelu._loops_v4": ({"unix": ["-march=x86-64-v4"], "msvc": ["/arch:AVX512"]}, "__AVX512VL__"),
}
# Compiler and linker flags, in the order in which they are tried.
OPENMP_FLAGS = {
    "unix": [
        (["-fopenmp"], ["-fopenmp"]),
        (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),  # Apple's clang with a libomp on its paths
    ],
    "msvc": [(["/openmp"], [])],
}
# Compiler and linker flags that make an error in this code, should there be one, harder to exploit;
# each is used where the compiler has it. They cost no time (benchmarks/NOTES.md).
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
OPENMP_PROBE = """
#include <omp.h>
int main(void) { return omp_get_max_threads() < 1; }
"""


def extension(name, uses_numpy=False):
    """One module of the package."""
    macros = [] if DEBUG else [("CYTHON_WITHOUT_ASSERTIONS", "1")]
    if uses_numpy:
        macros += [
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
        ]
    return Extension(
        f"cyrelu.{name}",
        [f"src/cyrelu/{name}.pyx"],
        depends=["setup.py"],  # flags
        include_dirs=[numpy.get_include()] if uses_numpy else [],
        define_macros=macros,
    )


class BuildWithFlags(build_ext):
    """build_ext that knows the compiler when it chooses the flags."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        self.check_sanitizers(kind)
        level_flags = self.instruction_set_flags(kind)
        left_out = {BASELINE, *INSTRUCTION_SETS} - set(level_flags)
        for name in left_out:  # may be there from a build with another compiler
            Path(self.get_ext_fullpath(name)).unlink(missing_ok=True)
        self.extensions = [module for module in self.extensions if module.name not in left_out]
        openmp, hardening = self.openmp_flags(kind), self.hardening_flags(kind)
        for module in self.extensions:
            level = level_flags.get(module.name, [])
            module.extra_compile_args = (
                FLAGS[kind] + level + openmp[0] + hardening[0] + SANITIZER_FLAGS
            )
            module.extra_link_args = openmp[1] + hardening[1] + SANITIZER_FLAGS
        super().build_extensions()

    def check_sanitizers(self, kind):
        """End the build where the compiler lacks the sanitizers that were asked for."""
        if SANITIZE and kind == "msvc":
            sys.exit(f"CYRELU_SANITIZE is {SANITIZE!r}; MSVC is not supported, gcc and clang are")
        program = "int main(void) { return 0; }"
        if SANITIZE and not self.links(program, SANITIZER_FLAGS, SANITIZER_FLAGS):
            sys.exit(f"CYRELU_SANITIZE is {SANITIZE!r}; the compiler cannot link such a program")

    def instruction_set_flags(self, kind):
        """The loop modules that this compiler can build, and their flags."""
        flags = {}
        for name, (by_kind, macro) in INSTRUCTION_SETS.items():
            probe = f"#ifndef {macro}\n#error\n#endif\nint main(void) {{ return 0; }}"
            if kind in by_kind and self.links(probe, by_kind[kind], []):
                flags[name] = by_kind[kind]
        lowest = next(iter(INSTRUCTION_SETS))
        return flags if lowest in flags else {BASELINE: [], **flags}

    def openmp_flags(self, kind):
        """The flags for OpenMP; none, with a word about it, where it is off or missing."""
        if OPENMP == "off":
            print("cyrelu: building without OpenMP (CYRELU_OPENMP=off): one thread", flush=True)
            return [], []
        for flags in OPENMP_FLAGS[kind]:
            if self.links(OPENMP_PROBE, *flags):
                return flags
        missing = "cyrelu: the compiler cannot link an OpenMP program"
        if OPENMP == "require":
            sys.exit(f"{missing}, and CYRELU_OPENMP=require")
        print(f"{missing}: building without, calls use one thread", file=sys.stderr, flush=True)
        return [], []

    def hardening_flags(self, kind):
        """Those flags that this compiler and its linker have."""
        program = "int main(void) { return 0; }"
        compile_flags, link_flags = [], []
        for flags in HARDENING_FLAGS[kind]:
            if self.links(program, *flags):
                compile_flags += flags[0]
                link_flags += flags[1]
        return compile_flags, link_flags

    def links(self, source, compile_flags, link_flags):
        """Whether the compiler makes a program of this source with these flags."""
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(probe)], output_dir=folder, extra_postargs=compile_flags
                )
                self.compiler.link_executable(
                    objects, "probe", output_dir=folder, extra_postargs=link_flags
                )
            except Exception as failure:  # each compiler class raises errors of its own
                print(f"cyrelu: the compiler refuses {compile_flags + link_flags}: {failure}")
                return False
        return True


class ReproducibleSdist(sdist):
    """sdist whose bytes depend on files and SOURCE_DATE_EPOCH alone, not on who made it when."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        moment = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))

        def anonymous(member):
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = moment
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = Path(f"{base_name}.tar.gz")
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=moment) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(base_dir, filter=anonymous)  # folders in the order of their names
        return str(path)


# The loops are proven by the debug build; everything else keeps Cython's own checks always.
DIRECTIVES = {"language_level": 3, "freethreading_compatible": True, "cdivision": True}
LOOP_DIRECTIVES = {"boundscheck": DEBUG, "initializedcheck": DEBUG, "wraparound": False}

loops = [
    extension("_loops_baseline"),
    extension("_loops_v2"),
    extension("_loops_v3"),
    extension("_loops_v4"),
]
others = [
    extension("_machine"),
    extension("_threads"),
    extension("_dispatch"),
    extension("kernels"),
    extension("_kept_memory", uses_numpy=True),
    extension("_ufuncs", uses_numpy=True),
    extension("_views", uses_numpy=True),
    extension("_call", uses_numpy=True),
    extension("_api"),
]

setup(
    ext_modules=[
        *cythonize(loops, build_dir=BUILD_DIR, compiler_directives=DIRECTIVES | LOOP_DIRECTIVES),
        *cythonize(others, build_dir=BUILD_DIR, compiler_directives=DIRECTIVES),
    ],
    cmdclass={"build_ext": BuildWithFlags, "sdist": ReproducibleSdist},
    options={"build": {"build_base": BUILD_DIR}},
)
