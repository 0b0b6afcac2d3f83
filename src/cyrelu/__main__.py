"""python -m cyrelu: what is installed, the tutorial's numbers, a quick comparison."""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cyrelu

SIZES = (100, 10_000, 1_000_000, 10_000_000)
ROUND_SECONDS = 0.02  # of calls, for each contender
NUMBERS = (1.0, -10.0, 0.0, 15.0, -20.0)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m cyrelu",
        description="ReLU and Leaky ReLU for NumPy.",
    )
    parser.add_argument("--version", action="version", version=f"cyrelu {cyrelu.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    info = commands.add_parser("info", help="how cyrelu was built and what is in force")
    info.set_defaults(run=lambda options: cyrelu.show_config())
    demo = commands.add_parser("demo", help="both functions on the tutorial's five numbers")
    demo.set_defaults(run=lambda options: print(*demo_lines(), sep="\n"))
    bench = commands.add_parser(
        "bench",
        help="how long leaky_relu takes, beside NumPy and what else is installed",
        description="Times leaky_relu beside NumPy's maximum(x, 0.01 * x), and beside numexpr, "
        "Numba, PyTorch and JAX where these are installed: all in turn, round after round, on "
        "float32 into an array that is there (JAX: a new one). Shows medians. The full comparison "
        "is `make bench` in the repository.",
    )
    bench.add_argument(
        "--seconds",
        type=positive,
        default=60,
        help="how long to measure in all (default: %(default)g)",
    )
    bench.set_defaults(run=lambda options: run_bench(options.seconds))
    options = parser.parse_args(arguments)
    options.run(options)


def positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def demo_lines() -> list[str]:
    return [
        f"Applying {title} on ({x:.1f}) gives {function(x):.1f}"
        for title, function in (("Relu", cyrelu.relu), ("Leaky Relu", cyrelu.leaky_relu))
        for x in NUMBERS
    ]


def run_bench(seconds: float) -> None:
    table = []
    for size in progress(SIZES):
        x = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
        contenders = {name: make(x) for name, make in available().items()}
        table.append(medians(contenders, seconds / len(SIZES)))
    names = list(available())
    width = max(map(len, names))
    print(f"leaky_relu, float32, {cyrelu.get_num_threads()} threads; microseconds, median")
    print(f"{'elements':{width}}", *(f"{size:>12,}" for size in SIZES))
    for name in names:
        print(f"{name:{width}}", *(f"{1e6 * row[name]:12.2f}" for row in table))


def progress(sizes: tuple[int, ...]) -> Iterator[int]:
    """The sizes, with a bar where tqdm is installed and there is a terminal to show it on."""
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        yield from sizes
    else:
        yield from tqdm(sizes, unit="size", leave=False, disable=None)


def medians(contenders: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """The median time of a call of each, all timed in turn until the time is over."""
    timers = {name: timeit.Timer(call) for name, call in contenders.items()}
    calls = {}
    for name, timer in timers.items():
        timer.timeit(1)  # compiles, starts threads
        calls[name] = max(1, int(ROUND_SECONDS / timer.timeit(1)))
    times: dict[str, list[float]] = {name: [] for name in timers}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not all(times.values()):
        for name, timer in timers.items():
            times[name].append(timer.timeit(calls[name]) / calls[name])
    return {name: statistics.median(each) for name, each in times.items()}


# ---- the contenders: each takes the input and returns the call to time

Maker = Callable[[np.ndarray], Callable[[], Any]]


def available() -> dict[str, Maker]:
    """cyrelu, NumPy, and those of the others that can be imported."""
    makers: dict[str, Maker] = {"cyrelu": with_cyrelu, "NumPy": with_numpy}
    for title, (module, maker) in OTHERS.items():
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        makers[title] = maker
    return makers


def with_cyrelu(x: np.ndarray) -> Callable[[], Any]:
    out = np.empty_like(x)
    return lambda: cyrelu.leaky_relu(x, out=out)


def with_numpy(x: np.ndarray) -> Callable[[], Any]:
    out, slope = np.empty_like(x), np.float32(0.01)

    def call() -> np.ndarray:  # for slopes from 0 to 1
        return np.maximum(x, np.multiply(x, slope, out=out), out=out)

    return call


def with_numexpr(x: np.ndarray) -> Callable[[], Any]:
    numexpr = importlib.import_module("numexpr")
    names = {"x": x, "slope": np.float32(0.01)}
    out = np.empty_like(x)
    return lambda: numexpr.evaluate("where(x > 0, x, slope * x)", names, out=out)


def with_numba(x: np.ndarray) -> Callable[[], Any]:
    numba = importlib.import_module("numba")
    slope = np.float32(0.01)
    formula = numba.vectorize(["float32(float32)"])(lambda x: x if x > 0 else slope * x)
    out = np.empty_like(x)
    return lambda: formula(x, out)


def with_torch(x: np.ndarray) -> Callable[[], Any]:
    torch = importlib.import_module("torch")
    tensor, out = torch.from_numpy(x), torch.empty(x.size)
    torch.set_num_threads(cyrelu.get_num_threads())
    function = torch._C._nn.leaky_relu  # the one that takes out
    return lambda: function(tensor, 0.01, out=out)


def with_jax(x: np.ndarray) -> Callable[[], Any]:
    jax = importlib.import_module("jax")
    array, function = jax.numpy.asarray(x), jax.jit(jax.nn.leaky_relu)
    return lambda: function(array).block_until_ready()


OTHERS: dict[str, tuple[str, Maker]] = {
    "numexpr": ("numexpr", with_numexpr),
    "Numba": ("numba", with_numba),
    "PyTorch": ("torch", with_torch),
    "JAX": ("jax", with_jax),
}


if __name__ == "__main__":
    main()
