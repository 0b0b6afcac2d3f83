"""Builds consumer.pyx as C, as C++, and as C with OpenMP, and own_loops.pyx, against cyrelu."""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

OPENMP = {"linux": ["-fopenmp"], "win32": ["/openmp"]}.get(sys.platform, [])
# Without debug information, and optimised less where it does not matter: 13 s instead of 49.
NO_DEBUG_INFORMATION = [] if sys.platform == "win32" else ["-g0"]
QUICK = [] if sys.platform == "win32" else [*NO_DEBUG_INFORMATION, "-O1"]


for name in ("consumer_cpp", "consumer_openmp"):
    Path(f"{name}.pyx").write_text(Path("consumer.pyx").read_text())

setup(
    name="consumer",
    version="1",
    py_modules=[],
    ext_modules=cythonize(
        [
            Extension("consumer", ["consumer.pyx"], extra_compile_args=QUICK),
            Extension("own_loops", ["own_loops.pyx"], extra_compile_args=NO_DEBUG_INFORMATION),
            Extension(
                "consumer_cpp", ["consumer_cpp.pyx"], language="c++", extra_compile_args=QUICK
            ),
            Extension(
                "consumer_openmp",
                ["consumer_openmp.pyx"],
                extra_compile_args=[*OPENMP, *QUICK],
                extra_link_args=OPENMP if sys.platform == "linux" else [],
            ),
        ],
        language_level=3,
    ),
)
