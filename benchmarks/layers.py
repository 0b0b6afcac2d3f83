"""Layers in NumPy, with and without cyrelu, beside the bare product of matrices and PyTorch.

    python benchmarks/layers.py                  about three minutes
    python benchmarks/layers.py --output FOLDER  writes layers-<processor>-<threads>.md there

All contenders in NumPy are called in turn in one process, without a pause: after one, threads wake
up on one processor, and stay there for some time. PyTorch, whose threads spin, has a process of its
own; the two take turns, round after round. A ratio is the median over the rounds of a contender's
time divided by the bare product's in the same round.
"""

from __future__ import annotations

import argparse
import operator
import statistics
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import machine
from tqdm import tqdm

import cyrelu

ROUNDS = 8
WARM_UP, SECONDS = 0.2, 0.4  # of each round and process
SHAPES = [(256, 784, 1024), (1024, 1024, 1024), (4096, 256, 256)]

# What a process does before: the arrays, then one name for each work. `h` is the layer's output.
ARRAYS = """
import numpy as np
random = np.random.default_rng(0)
m, k, n = SHAPE
x = random.standard_normal((m, k), dtype=np.float32)
w = random.standard_normal((k, n), dtype=np.float32) / np.float32(k ** 0.5)
b = random.standard_normal(n, dtype=np.float32)
r = random.standard_normal((m, n), dtype=np.float32)
g = random.standard_normal((m, n), dtype=np.float32)
h, d = np.empty((m, n), np.float32), np.empty((m, n), np.float32)
gw, gx = np.empty((k, n), np.float32), np.empty((m, k), np.float32)
"""
CYRELU = "import cyrelu\ncyrelu.set_num_threads(THREADS)"
TORCH = """
import torch
torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)
x, w, b, r, g, h, d, gw, gx = map(torch.from_numpy, (x, w, b, r, g, h, d, gw, gx))
backward = torch.ops.aten.threshold_backward.grad_input
"""
FORWARD, RESIDUAL, BACKWARD = "forward", "residual block, forward", "forward and backward"
PRODUCTS = "np.matmul(x, w, out=h); np.matmul(x.T, g, out=gw); np.matmul(g, w.T, out=gx)"
# The work, the contender, what it imports, and its statement. The first of each work is the bare
# product of matrices.
CONTENDERS = [
    (FORWARD, "np.matmul alone", "", "np.matmul(x, w, out=h)"),
    (
        FORWARD,
        "np.matmul, cyrelu.relu in place, no bias",
        CYRELU,
        "np.matmul(x, w, out=h); cyrelu.relu(h, out=h)",
    ),
    (
        FORWARD,
        "np.matmul, cyrelu.add_relu in place",
        CYRELU,
        "np.matmul(x, w, out=h); cyrelu.add_relu(h, b, out=h)",
    ),
    (FORWARD, "np.maximum(x @ w + b, 0)", "", "np.maximum(x @ w + b, 0)"),
    (
        FORWARD,
        "NumPy in place",
        "",
        "np.matmul(x, w, out=h); np.add(h, b, out=h); np.maximum(h, 0, out=h)",
    ),
    (FORWARD, "PyTorch, addmm and relu_", TORCH, "torch.relu_(torch.addmm(b, x, w, out=h))"),
    (RESIDUAL, "np.matmul alone", "", "np.matmul(x, w, out=h)"),
    (
        RESIDUAL,
        "np.matmul, cyrelu.add_relu in place",
        CYRELU,
        "np.matmul(x, w, out=h); cyrelu.add_relu(h, r, out=h)",
    ),
    (RESIDUAL, "np.maximum(x @ w + r, 0)", "", "np.maximum(x @ w + r, 0)"),
    (
        RESIDUAL,
        "PyTorch, add_ and relu_",
        TORCH,
        "torch.relu_(torch.mm(x, w, out=h).add_(r))",
    ),
    (BACKWARD, "three times np.matmul alone", "", PRODUCTS),
    (
        BACKWARD,
        "cyrelu, in place, from the output",
        CYRELU,
        (
            "np.matmul(x, w, out=h); cyrelu.add_relu(h, b, out=h); "
            "cyrelu.relu_backward(g, h, out=d, from_output=True); "
            "np.matmul(x.T, d, out=gw); np.matmul(d, w.T, out=gx)"
        ),
    ),
    (
        BACKWARD,
        "NumPy",
        "",
        "h = np.maximum(x @ w + b, 0); d = g * (h > 0); gw = x.T @ d; gx = d @ w.T",
    ),
    (
        BACKWARD,
        "PyTorch, its own backward kernels",
        TORCH,
        (
            "torch.relu_(torch.addmm(b, x, w, out=h)); backward(g, h, 0, grad_input=d); "
            "torch.mm(x.T, d, out=gw); torch.mm(d, w.T, out=gx)"
        ),
    ),
]
CHILD = """
import statistics, sys, time, timeit
timers = [timeit.Timer(statement, globals=globals()) for statement in STATEMENTS]
def in_turn(seconds):
    times = [[] for _ in timers]
    until = time.perf_counter() + seconds
    while not times[0] or time.perf_counter() < until:
        for timer, of_timer in zip(timers, times):
            of_timer.append(timer.timeit(1))
    return [statistics.median(of_timer) for of_timer in times]
in_turn(0)
print("ready", flush=True)
for _ in sys.stdin:
    in_turn(WARM_UP)
    print(*in_turn(SECONDS), flush=True)
"""


class Process:
    """A process that calls its contenders in turn when it is told to."""

    def __init__(self, setup: str, names: list[str], statements: list[str], settings: str):
        self.seconds: dict[str, list[float]] = {name: [] for name in names}
        settings += f"STATEMENTS = {statements!r}; WARM_UP, SECONDS = {WARM_UP}, {SECONDS}\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", settings + ARRAYS + setup + CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{', '.join(names)} did not start")

    def run(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        medians = map(float, self.process.stdout.readline().split())
        for times, median in zip(self.seconds.values(), medians, strict=True):
            times.append(median)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(work: str, shape: tuple, threads: int, progress: tqdm) -> dict[str, list[float]]:
    """The seconds of each contender, a median for each round."""
    settings = f"SHAPE, THREADS = {shape}, {threads}\nimport os\n"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        settings += f"os.environ[{name!r}] = {str(threads)!r}\n"
    processes = []
    for setup in (CYRELU, TORCH):
        chosen = {
            name: statement
            for of_work, name, own_setup, statement in CONTENDERS
            if of_work == work and (own_setup or CYRELU) == setup
        }
        try:
            processes.append(Process(setup, list(chosen), list(chosen.values()), settings))
        except RuntimeError as error:  # PyTorch is not installed
            print(error, file=sys.stderr)
    for _ in range(ROUNDS):
        for process in processes:
            process.run()
        progress.update()
    for process in processes:
        process.close()
    return {name: times for process in processes for name, times in process.seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("build/bench/results"))
    options = parser.parse_args()
    all_threads = cyrelu.get_num_threads()
    versions = {name: version(name) for name in ("cyrelu", "numpy", "torch") if find_spec(name)}
    about = machine.describe(versions, all_threads)
    lines = ["# Layers in NumPy", "", machine.line(about), "", __doc__.split("\n\n")[-1]]
    works = list(dict.fromkeys(work for work, *_ in CONTENDERS))
    total = len(works) * len(SHAPES) * 2 * ROUNDS
    with tqdm(total=total, unit="round") as progress:
        for work in works:
            lines += ["", f"## {work}", "", "| x, weights | threads | contender | us | ratio |"]
            lines.append("|---|---|---|---|---|")
            for shape in SHAPES:
                for threads in (1, all_threads):
                    found = measure(work, shape, threads, progress)
                    bare = next(iter(found.values()))
                    for name, seconds in found.items():
                        ratio = statistics.median(map(operator.truediv, seconds, bare))
                        microseconds = statistics.median(seconds) * 1e6
                        m, k, n = shape
                        lines.append(
                            f"| ({m}, {k}) x {n} | {threads} | {name} | {microseconds:.0f} | "
                            f"{ratio:.2f} |"
                        )
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{machine.slug(about)}-layers.md"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
    print(path)


if __name__ == "__main__":
    main()
