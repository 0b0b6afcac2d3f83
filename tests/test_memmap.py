"""Memory-mapped arrays, also on a full disk."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from fresh_process import run_python
from oracle import assert_same_bits

import cyrelu

pytestmark = pytest.mark.thread_unsafe(reason="mounts a file system")


@pytest.mark.parametrize("n", [1, 1000, 300_001])
def test_out_in_a_file(tmp_path, n):
    x = np.linspace(-1, 1, n, dtype=np.float32)
    out = np.memmap(tmp_path / "out", np.float32, "w+", offset=8, shape=n)
    assert cyrelu.leaky_relu(x, out=out) is out
    out.flush()
    assert_same_bits(np.fromfile(tmp_path / "out", np.float32, offset=8), cyrelu.leaky_relu(x))


def test_a_read_only_file(tmp_path):
    np.ones(10).tofile(tmp_path / "x")
    x = np.memmap(tmp_path / "x", np.float64, "r")
    with pytest.raises(ValueError, match=r"^relu: out is read-only"):
        cyrelu.relu(x, out=x)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "cyrelu", str(tmp_path)]
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("no right to mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


ON_A_SMALL_DISK = """
    import os, numpy as np, cyrelu
    x = np.ones({n}, np.float32)
    with open({path!r}, "wb") as file:
        {reserve}(file.fileno(), 0, x.nbytes)
    out = np.memmap({path!r}, np.float32, "r+", shape=x.size)
    cyrelu.relu(x, out=out)
    out.flush()
    print((np.fromfile({path!r}, np.float32) == 1).all())
"""
RESERVE, LEAVE_A_HOLE = "os.posix_fallocate", "(lambda file, start, n: os.ftruncate(file, n))"


def run_on_a_small_disk(folder, n, reserve):
    code = ON_A_SMALL_DISK.format(path=str(folder / "out"), n=n, reserve=reserve)
    return run_python(code)


def test_a_disk_with_enough_space(small_disk):
    finished = run_on_a_small_disk(small_disk, 100_000, RESERVE)
    assert finished.stdout == "True\n", finished.stderr


def test_a_full_disk_is_an_error_if_space_is_reserved(small_disk):
    finished = run_on_a_small_disk(small_disk, 1_000_000, RESERVE)
    assert "OSError: [Errno 28]" in finished.stderr


def test_a_full_disk_ends_the_process_if_space_is_not_reserved(small_disk):
    """Not promised, but the reason to reserve: the system can only report it by a signal."""
    finished = run_on_a_small_disk(small_disk, 1_000_000, LEAVE_A_HOLE)
    assert finished.returncode == -signal.SIGBUS
