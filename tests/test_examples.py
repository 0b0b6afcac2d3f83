"""Each example runs by itself and prints what the docs show."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NEEDS = {  # what each imports besides NumPy
    "pandas_frame": ["pandas"],
    "xarray_dataset": ["xarray"],
    "masked_measurements": [],
    "sklearn_inference": ["sklearn"],
    "sklearn_training": ["sklearn"],
    "onnx_reference": ["onnx"],
    "autograd_derivatives": ["autograd"],
    "thinc_training": ["sklearn", "thinc"],
    "torch_function": ["torch"],
    "jax_callback": ["jax"],
    "jax_ffi": ["Cython", "jax"],
    "mapped_file": [],
    "dask_cluster": ["dask.array", "distributed"],
}
PROJECTS = {"thinc_training": "thinc_backend", "jax_ffi": "jax_ffi_module"}  # installed first
CHANGING = re.compile(r"(dashboard|seconds): .*")


def test_all_examples_are_tested():
    files = {path.stem for path in EXAMPLES.glob("*.py")}
    assert files - {"digits"} == set(NEEDS)  # `make demo` runs that one


@pytest.mark.parametrize("name", NEEDS)
def test_prints_what_the_docs_show(name, tmp_path):
    for module in NEEDS[name]:
        pytest.importorskip(module)
    if name in PROJECTS:
        install(EXAMPLES / PROJECTS[name], tmp_path / "installed")
    finished = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths(tmp_path / "installed"))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    expected = (EXAMPLES / "output" / f"{name}.txt").read_text()
    assert CHANGING.sub("", finished.stdout) == CHANGING.sub("", expected)


def install(project, folder):
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    copy = shutil.copytree(project, folder.with_name("project"))  # setuptools writes there
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder, copy], check=True
    )


def paths(folder):
    """What to look for modules in, this folder first."""
    return [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
