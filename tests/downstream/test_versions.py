"""cyrelu and consumers of different Cython versions work together; changed signatures do not."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import HERE

OLDEST_CYTHON = "3.1.0"
ROOT = HERE.parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
TRY = """
import numpy, consumer, cyrelu
x = numpy.array([-2, 0, 3], numpy.float32)
out = numpy.zeros(3, numpy.float32)
consumer.kernel_leaky_relu(x, 0.5, out)
print(out.tolist(), cyrelu.show_config("dicts")["build"]["cython"], cyrelu.__file__)
"""


@pytest.fixture(scope="module")
def oldest_cython(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cython")
    command = [*PIP, "install", "--target", str(folder), f"cython=={OLDEST_CYTHON}"]
    if subprocess.run(command, cwd=folder).returncode:
        pytest.skip(f"Cython {OLDEST_CYTHON} cannot be installed")
    return folder


def build_cyrelu(folder, change=lambda source: None, **environment):
    """Build cyrelu from a copy of its source, with a change if given, into a folder."""
    source, site = folder / "source", folder / "site"
    ignored = shutil.ignore_patterns("build", ".*", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignored)
    change(source)
    command = [*PIP, "install", "--no-build-isolation", "--no-deps", "--target", str(site)]
    finished = subprocess.run(
        [*command, str(source)],
        env={**os.environ, "CFLAGS": "-g0", **environment},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return site


def try_consumer(consumer_folder, *site):
    path = os.pathsep.join(map(str, [*site, consumer_folder]))
    return subprocess.run(
        [sys.executable, "-c", TRY],
        cwd=consumer_folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_a_compiled_consumer_runs_after_cyrelu_was_rebuilt(
    consumer_folder, oldest_cython, tmp_path
):
    # With checks, which takes half the time to compile.
    site = build_cyrelu(tmp_path, PYTHONPATH=str(oldest_cython), CYRELU_DEBUG="1")
    finished = try_consumer(consumer_folder, site)
    assert finished.stdout == (
        f"[-1.0, 0.0, 3.0] {OLDEST_CYTHON} {site / 'cyrelu' / '__init__.py'}\n"
    ), finished.stderr


def test_a_consumer_may_be_built_by_the_oldest_cython(oldest_cython, tmp_path):
    folder = tmp_path / "consumer"
    shutil.copytree(HERE / "consumer", folder)
    environment = {**os.environ, "PYTHONPATH": str(oldest_cython)}
    command = [sys.executable, "setup.py", "build_ext", "--inplace", "--parallel=2"]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"Cython {OLDEST_CYTHON}" in (folder / "consumer.c").read_text()[:200]
    finished = try_consumer(folder)
    assert finished.stdout.startswith("[-1.0, 0.0, 3.0] "), finished.stderr


def test_a_changed_signature_is_refused_when_the_consumer_is_imported(consumer_folder, tmp_path):
    old = "const float* x, float* out, Py_ssize_t n, float negative_slope\n"
    new = old.replace("float negative_slope", "double negative_slope")

    def widen(source):
        for name in ("kernels.pxd", "kernels.pyx"):
            path = source / "src" / "cyrelu" / name
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))

    finished = try_consumer(consumer_folder, build_cyrelu(tmp_path, widen, CYRELU_DEBUG="1"))
    assert finished.returncode == 1  # an error, not a crash
    assert "TypeError: C function cyrelu.kernels.leaky_relu_f32 has wrong signature" in (
        finished.stderr
    )
