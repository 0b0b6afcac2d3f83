"""Other libraries with OpenMP runtimes in the same process, imported before or after cyrelu."""

import textwrap

import pytest
from fresh_process import run_python
from openmp_libraries import OPENMP_LIBRARIES

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

CYRELU = """
import numpy as np, cyrelu
x = np.random.default_rng(0).standard_normal(2_000_000).astype(np.float32)
with cyrelu.num_threads(2):
    assert (cyrelu.leaky_relu(x) == np.where(x > 0, x, np.float32(0.01) * x)).all()
"""


@pytest.mark.parametrize("order", ["first", "second"])
@pytest.mark.parametrize("library", OPENMP_LIBRARIES)
def test_both_work(library, order):
    pytest.importorskip(library)
    other = textwrap.dedent(OPENMP_LIBRARIES[library])
    imports = ["import cyrelu", f"import {library}"]
    if order == "second":
        imports.reverse()
    finished = run_python("\n".join([*imports, CYRELU, other, CYRELU, other]))
    assert finished.returncode == 0, finished.stderr
