"""Tests the installed cyrelu without its source tree, as cibuildwheel does with each wheel.

Prints its configuration and runs those tests whose results depend on the build: values, threads,
instruction sets, and the C interface from other compiled modules.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import cyrelu

ROOT = Path(__file__).resolve().parents[1]
TESTS = [
    "tests/test_edge_values.py",
    "tests/test_fork.py",
    "tests/test_import.py",
    "tests/test_instruction_sets.py",
    "tests/test_buffer_cache.py",
    "tests/test_float_control.py",
    "tests/test_limit_blocks.py",
    "tests/test_properties.py",
    "tests/test_resource_limits.py",
    "tests/test_settings.py",
    "tests/test_streaming.py",
    "tests/test_subinterpreters.py",
    "tests/test_threads.py",
    "tests/downstream/test_abi.py",
    "tests/downstream/test_consumers.py",
]


def main() -> int:
    print(f"cyrelu from {cyrelu.__file__}, Python {sys.version}")
    cyrelu.show_config()
    config = cyrelu.show_config("dicts")
    if ROOT in Path(cyrelu.__file__).parents:
        return fail("that is not an installed one")
    if config["openmp"]["specification"] is None:
        return fail("it was built without OpenMP")
    if sysconfig.get_config_var("Py_GIL_DISABLED") and sys._is_gil_enabled():
        return fail("importing it has switched the GIL on")
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT).returncode


def fail(reason: str) -> int:
    print(f"check_installed: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
