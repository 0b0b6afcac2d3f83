"""Consumers are built in a temporary folder against the cyrelu that is installed."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the tables and oracles of the other tests


def run(*command, cwd):
    # meson and ninja are installed beside the interpreter; its environment may not be active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    finished = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def import_from(folder, name):
    [path] = [path for path in folder.glob(f"{name}.*") if path.suffix in (".so", ".pyd")]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def consumer_folder(tmp_path_factory):
    """The consumer package, built by setuptools."""
    folder = tmp_path_factory.mktemp("build") / "consumer"
    shutil.copytree(HERE / "consumer", folder)
    output = run(sys.executable, "setup.py", "build_ext", "--inplace", "--parallel=2", cwd=folder)
    (folder / "build.log").write_text(output)
    return folder
