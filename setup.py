"""What pyproject.toml cannot say: the extension modules and their compiler flags.

Environment variables, read at build time:
    CYRELU_OPENMP     auto (default: use OpenMP where the compiler has it), require, off
    CYRELU_HARDENING  on (default: flags that make errors harder to exploit), off
    CYRELU_STABLE_ABI on: one binary for CPython 3.12 and all later versions, slower in small calls
    CYRELU_DEBUG      1: bounds checks, initialisation checks and assertions, for the test suite
"""

import multiprocessing
import os
import sys
import zlib
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path[:0] = ["tools", "src/cyrelu/_platform"]
from compiler_flags import CompilerFlags  # noqa: E402
from instruction_sets import INSTRUCTION_SETS  # noqa: E402


def from_environment(name, *choices):
    value = os.environ.get(name) or choices[0]
    if value not in choices:
        sys.exit(f"{name} is {value!r}; expected {', '.join(choices)}")
    return value


OPENMP = from_environment("CYRELU_OPENMP", "auto", "require", "off")
HARDENING = from_environment("CYRELU_HARDENING", "on", "off")
STABLE_ABI = from_environment("CYRELU_STABLE_ABI", "off", "on") == "on"
DEBUG = from_environment("CYRELU_DEBUG", "0", "1") == "1"

# Objects are rebuilt when their source changes, not when their flags do: other flags, other folder.
FLAGS = [os.environ.get(name, "") for name in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS")]
FLAGS_ID = zlib.crc32("\n".join([OPENMP, HARDENING, str(STABLE_ABI), *FLAGS]).encode())
KIND = "debug" if DEBUG else "release"
BUILD_DIR = f"build/{KIND}-{FLAGS_ID:08x}"

# The loops are proven by the debug build; everything else keeps Cython's own checks always.
DIRECTIVES = {"language_level": 3, "freethreading_compatible": True, "cdivision": True}
LOOP_DIRECTIVES = {"boundscheck": DEBUG, "initializedcheck": DEBUG, "wraparound": False}
LOOP_MODULES = {f"cyrelu._loops.{isa.module}": isa for isa in INSTRUCTION_SETS.values()}
# In _loops, every other .pyx file is one that these include.
MODULES = [
    ".".join(path.relative_to("src").with_suffix("").parts)
    for path in sorted(Path("src/cyrelu").rglob("*.pyx"))
    if path.parent.name != "_loops"
]
MACROS = [
    ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
    ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
    *([] if DEBUG else [("CYTHON_WITHOUT_ASSERTIONS", "1")]),
    *([("Py_LIMITED_API", "0x030C0000")] if STABLE_ABI else []),
]


def extension(name):
    depends = ["setup.py", "tools/compiler_flags.py"]
    if name in LOOP_MODULES:  # no other module has flags from the registry
        depends.append("src/cyrelu/_platform/instruction_sets.py")
    return Extension(
        name,
        [f"src/{name.replace('.', '/')}.pyx"],
        depends=depends,
        include_dirs=[numpy.get_include()],
        define_macros=MACROS,
        py_limited_api=STABLE_ABI,
    )


class BuildWithFlags(build_ext):
    """build_ext that knows the compiler when it chooses the flags."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        flags = CompilerFlags(self.compiler)
        isa_flags = flags.instruction_sets(INSTRUCTION_SETS.values())
        built = {name for name, isa in LOOP_MODULES.items() if isa.name in isa_flags}
        for name in LOOP_MODULES.keys() - built:  # may be there from a build by another compiler
            Path(self.get_ext_fullpath(name)).unlink(missing_ok=True)
        self.extensions = [
            module for module in self.extensions if module.name in built or module.name in MODULES
        ]
        translate(self.extensions)  # before they have flags, which Cython would write down
        always = flags.always(DEBUG)
        debugging = flags.debug_information(DEBUG)
        openmp = flags.openmp(OPENMP)
        hardening = flags.hardening() if HARDENING == "on" else ([], [])
        loops = flags.loops()
        for module in self.extensions:
            own = []
            if module.name in built:
                own = isa_flags[LOOP_MODULES[module.name].name] + loops
            module.extra_compile_args = always[0] + debugging + own + openmp[0] + hardening[0]
            module.extra_link_args = always[1] + openmp[1] + hardening[1]
        super().build_extensions()


def processes():
    """How many Cython may start: 8 seconds instead of 14 on two processors."""
    try:
        multiprocessing.Lock()
    except (ImportError, OSError):  # a system without semaphores, or without access to them
        return 0
    return min(os.cpu_count() or 0, 8)  # Python starts them all, and on Windows no more than 61


def translate(modules):
    """Have Cython write the C files, which take the place of the modules' sources."""
    loops = [module for module in modules if module.name in LOOP_MODULES]
    others = [module for module in modules if module.name not in LOOP_MODULES]
    for group, directives in ((loops, DIRECTIVES | LOOP_DIRECTIVES), (others, DIRECTIVES)):
        translated = cythonize(
            group,
            nthreads=processes(),
            # NumPy's declarations are part of the C files.
            build_dir=f"build/cython-{KIND}-numpy-{numpy.__version__}",
            compiler_directives=directives,
        )
        for module, its_c in zip(group, translated, strict=True):
            module.sources = its_c.sources


if __name__ == "__main__":  # the processes that Cython starts may import this file
    setup(
        # What compiles longest comes first, so that no processor is idle at the end.
        ext_modules=[extension(name) for name in (*reversed(LOOP_MODULES), *MODULES)],
        cmdclass={"build_ext": BuildWithFlags},
        options={
            "build": {"build_base": BUILD_DIR},
            "bdist_wheel": {"py_limited_api": "cp312" if STABLE_ABI else False},
        },
    )
