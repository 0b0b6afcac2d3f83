"""Each example runs by itself and prints what the docs show."""

import re
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
    "mapped_file": [],
    "dask_cluster": ["dask.array", "distributed"],
}
CHANGING = re.compile(r"(dashboard|seconds): .*")


def test_all_examples_are_tested():
    files = {path.stem for path in EXAMPLES.glob("*.py")}
    assert files - {"digits"} == set(NEEDS)  # `make demo` runs that one


@pytest.mark.parametrize("name", NEEDS)
def test_prints_what_the_docs_show(name, tmp_path):
    for module in NEEDS[name]:
        pytest.importorskip(module)
    finished = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    expected = (EXAMPLES / "output" / f"{name}.txt").read_text()
    assert CHANGING.sub("", finished.stdout) == CHANGING.sub("", expected)
