"""Control groups, which limit a container: made by the tests where the system lets them."""

import contextlib
import os
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")
FILES = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max", "pids.max")}


@contextlib.contextmanager
def control_group(controller, limit):
    """A group with this limit; its folder. A process writes its number to cgroup.procs there."""
    version_2, version_1 = FILES[controller]
    group = f"cyrelu-test-{os.getpid()}"
    if controller in _read(ROOT / "cgroup.subtree_control").split():
        folder, file = ROOT / group, version_2
    else:
        folder, file = ROOT / controller / group, version_1
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"needs a {controller} control group that it may write: {error}")
    try:
        (folder / file).write_text(str(limit))
        yield folder
    finally:
        folder.rmdir()


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
