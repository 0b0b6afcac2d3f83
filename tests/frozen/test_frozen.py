"""Programs that are frozen with PyInstaller and cx_Freeze find all of cyrelu."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cyrelu

PROGRAM = Path(__file__).with_name("program.py")
EXE = ".exe" if sys.platform == "win32" else ""
ISAS = cyrelu.show_config("dicts")["instruction_set"]["available"]
# By name: the command that freezes the program, and where it puts the executable.
FREEZERS = {
    "PyInstaller": (
        ["PyInstaller", "--noconfirm", "--log-level=WARN", str(PROGRAM)],
        "dist/program/program",
    ),
    "PyInstaller, one file": (
        ["PyInstaller", "--noconfirm", "--log-level=WARN", "--onefile", str(PROGRAM)],
        "dist/program",
    ),
    "cx_Freeze": (
        ["cx_Freeze", "build_exe", f"--script={PROGRAM}", "--packages=cyrelu", "--build-exe=built"],
        "built/program",
    ),
}


def report(command, isa):
    finished = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "CYRELU_ISA": isa, "CYRELU_NUM_THREADS": "2", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.fixture(scope="module", params=FREEZERS.values(), ids=FREEZERS)
def executable(request, tmp_path_factory):
    """The frozen program; nothing outside of its folder is cyrelu."""
    (module, *arguments), place = request.param
    folder = tmp_path_factory.mktemp("frozen")
    freezing = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert freezing.returncode == 0, freezing.stdout + freezing.stderr
    return folder / f"{place}{EXE}"


@pytest.mark.parametrize("isa", ["", *ISAS])
def test_a_frozen_program_does_what_the_script_does(executable, isa):
    frozen, script = report([executable], isa), report([sys.executable, PROGRAM], isa)
    assert frozen["digest"] == script["digest"]
    assert frozen["message"] == script["message"]
    assert frozen["file"] != script["file"]
    for section in ("cyrelu", "build", "instruction_set", "numpy"):
        assert frozen["config"][section] == script["config"][section]
    openmp = frozen["config"]["openmp"]
    assert openmp["specification"] == script["config"]["openmp"]["specification"]
