"""Builds consumer.pyx as C, as C++, and as C with OpenMP, and own_loops.pyx, against cyrelu."""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

OPENMP = {"linux": ["-fopenmp"], "win32": ["/openmp"]}.get(sys.platform, [])

for name in ("consumer_cpp", "consumer_openmp"):
    Path(f"{name}.pyx").write_text(Path("consumer.pyx").read_text())

setup(
    name="consumer",
    version="1",
    py_modules=[],
    ext_modules=cythonize(
        [
            Extension("consumer", ["consumer.pyx"]),
            Extension("own_loops", ["own_loops.pyx"]),
            Extension("consumer_cpp", ["consumer_cpp.pyx"], language="c++"),
            Extension(
                "consumer_openmp",
                ["consumer_openmp.pyx"],
                extra_compile_args=OPENMP,
                extra_link_args=OPENMP if sys.platform == "linux" else [],
            ),
        ],
        language_level=3,
    ),
)
