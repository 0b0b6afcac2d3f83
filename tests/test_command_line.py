"""python -m cyrelu."""

import subprocess
import sys

import numpy as np
import pytest

import cyrelu
from cyrelu import __main__ as command_line

pytestmark = pytest.mark.thread_unsafe(reason="prints")

TUTORIAL = """\
Applying Relu on (1.0) gives 1.0
Applying Relu on (-10.0) gives 0.0
Applying Relu on (0.0) gives 0.0
Applying Relu on (15.0) gives 15.0
Applying Relu on (-20.0) gives 0.0
Applying Leaky Relu on (1.0) gives 1.0
Applying Leaky Relu on (-10.0) gives -0.1
Applying Leaky Relu on (0.0) gives 0.0
Applying Leaky Relu on (15.0) gives 15.0
Applying Leaky Relu on (-20.0) gives -0.2
"""


def test_as_a_module():
    finished = subprocess.run(
        [sys.executable, "-m", "cyrelu", "demo"], capture_output=True, text=True
    )
    assert finished.stdout == TUTORIAL, finished.stderr


def test_info(capsys):
    command_line.main(["info"])
    printed = capsys.readouterr().out
    cyrelu.show_config()
    assert printed == capsys.readouterr().out


def test_bench_shows_each_contender_at_each_size(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "SIZES", (10, 1000))
    monkeypatch.setattr(command_line, "ROUND_SECONDS", 0.001)
    monkeypatch.setattr(command_line, "OTHERS", {"absent": ("no_such_module", None)})
    command_line.main(["bench", "--seconds", "0.01"])
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title == f"leaky_relu, float32, {cyrelu.get_num_threads()} threads; microseconds, median"
    assert head.split() == ["elements", "10", "1,000"]
    assert [row.split()[0] for row in rows] == ["cyrelu", "NumPy"]
    assert all(float(time) > 0 for row in rows for time in row.split()[1:])


@pytest.mark.parametrize("name", ["cyrelu", "NumPy", *command_line.OTHERS])
def test_the_contenders_compute_leaky_relu(name):
    if name not in command_line.available():
        pytest.skip(f"{name} is not installed")
    x = np.linspace(-1, 1, 101, dtype=np.float32)
    result = command_line.available()[name](x)()
    np.testing.assert_allclose(np.asarray(result), np.where(x > 0, x, 0.01 * x), rtol=1e-6)


def test_a_slower_contender_shows_as_slower():
    times = command_line.medians(
        {"fast": lambda: sum(range(100)), "slow": lambda: sum(range(10_000))}, seconds=0.1
    )
    assert times["slow"] > 10 * times["fast"]


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["bench", "--seconds", "soon"], ["bench", "--seconds", "0"]]
)
def test_wrong_arguments_end_with_usage(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        command_line.main(arguments)
    assert raised.value.code == 2
    assert "usage: python -m cyrelu" in capsys.readouterr().err
