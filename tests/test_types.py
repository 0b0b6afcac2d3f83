"""The stubs match the package, and type checkers accept right uses and refuse wrong ones."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import cyrelu

pytestmark = pytest.mark.thread_unsafe(reason="runs a type checker, once is enough")

pytest.importorskip("mypy")
USES = Path(__file__).with_name("typed_uses.py")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("mypy"))


def mypy(cache, *arguments):
    """The output of mypy on the installed package, seen from an empty folder."""
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, *arguments],
        cwd=cache,
        capture_output=True,
        text=True,
    )


def test_the_types_of_the_uses(cache):
    finished = mypy(cache, str(USES))
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_uses_run():
    before = cyrelu.get_num_threads()
    runpy.run_path(str(USES))
    cyrelu.set_num_threads(before)


WRONG = {
    "unknown keyword": ("cyrelu.relu(1.0, axis=0)", "call-overload"),
    "x by keyword": ("cyrelu.relu(x=1.0)", "call-overload"),
    "casting": ("cyrelu.relu(1.0, casting='any')", "call-overload"),
    "order": ("cyrelu.leaky_relu(1.0, order='Z')", "call-overload"),
    "out a list": ("cyrelu.relu(1.0, out=[1.0])", "call-overload"),
    "threads": ("cyrelu.set_num_threads('2')", "arg-type"),
    "mode": ("cyrelu.show_config('json')", "call-overload"),
    "missing x": ("cyrelu.relu_backward(1.0)", "call-overload"),
    "no such function": ("cyrelu.gelu(1.0)", "attr-defined"),
}


def test_wrong_uses_are_refused(cache, tmp_path):
    lines = ["import cyrelu", *(call for call, _ in WRONG.values())]
    source = tmp_path / "wrong.py"
    source.write_text("\n".join(lines))
    finished = mypy(cache, str(source))
    found = [line for line in finished.stdout.splitlines() if ": error: " in line]
    for number, (name, (_, code)) in enumerate(WRONG.items(), 2):
        assert any(f":{number}: " in line and line.endswith(f"[{code}]") for line in found), (
            name,
            finished.stdout,
        )


def test_the_stubs_match_the_package(tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text("cyrelu\\._numba\\..*\n")  # cannot be imported without Numba
    options = ["--ignore-missing-stub", "--ignore-unused-allowlist", f"--allowlist={allowed}"]
    finished = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "cyrelu", *options],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
