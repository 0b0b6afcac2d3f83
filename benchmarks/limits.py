"""Builds and loads the compiled limits of the machine."""

from __future__ import annotations

import importlib.util
import platform
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
OPENMP_FLAGS = {  # for the compiler and for the linker
    "Windows": (["/openmp"], []),
    "Darwin": (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),
    "Linux": (["-fopenmp"], ["-fopenmp"]),
}


@cache
def load(folder: Path = BUILD) -> ModuleType:
    """The compiled module, built if it is older than its source; ImportError if that fails."""
    source = HERE / "_limits.pyx"
    target = folder / f"_limits{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        build_with_openmp_if_possible(source, folder)
    spec = importlib.util.spec_from_file_location("_limits", target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build_with_openmp_if_possible(source: Path, folder: Path) -> None:
    flags = [OPENMP_FLAGS.get(platform.system(), ([], [])), ([], [])]
    for compile_flags, link_flags in flags:
        try:
            build(source, folder, compile_flags, link_flags)
        except (Exception, SystemExit) as error:  # each compiler class raises errors of its own
            failure = error
        else:
            return
    raise ImportError(f"the limits could not be compiled: {failure}")


def build(source: Path, folder: Path, compile_flags: list[str], link_flags: list[str]) -> None:
    from setuptools import Distribution, Extension  # before Cython, which would take distutils

    from Cython.Build import cythonize  # isort: skip

    optimize = ["/O2"] if platform.system() == "Windows" else ["-O3"]
    extension = Extension(
        "_limits",
        [str(source)],
        extra_compile_args=optimize + compile_flags,
        extra_link_args=link_flags,
    )
    directives = {
        "language_level": 3,
        "boundscheck": False,
        "wraparound": False,
        "freethreading_compatible": True,
    }
    modules = cythonize(
        [extension], build_dir=str(folder / "c"), compiler_directives=directives, quiet=True
    )
    command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(folder / "objects")
    command.ensure_finalized()
    command.run()
