"""The ratios that cyrelu promises, measured in one run, side by side.

    python benchmarks/ratios.py

Each comparison runs the two calls in turn, many short rounds each, and takes the median of the
ratios of neighbours: a machine that speeds up or slows down does so for both.
"""

from __future__ import annotations

import statistics
import sys
import timeit
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

import cyrelu

ROUNDS = 101
ROUND_SECONDS = 0.004
THREADS = 2


def main() -> int:
    cyrelu.set_num_threads(THREADS)
    missed = 0
    rows = []
    for name, ours, theirs, limit in tqdm(comparisons(), leave=False, file=sys.stderr):
        ours_ns, theirs_ns, ratio = compare(ours, theirs)
        rows.append((name, ours_ns, theirs_ns, ratio, limit))
    print(f"{THREADS} threads, cyrelu {cyrelu.__version__}, NumPy {np.__version__}, float32")
    print(f"{'':58} {'ours':>10} {'theirs':>10} {'ratio':>6} {'at most':>8}")
    for name, ours_ns, theirs_ns, ratio, limit in rows:
        verdict = "" if ratio <= limit else "  MISSED"
        missed += ratio > limit
        print(f"{name:58} {ours_ns:7.0f} ns {theirs_ns:7.0f} ns {ratio:6.2f} {limit:8.2f}{verdict}")
    return 1 if missed else 0


def comparisons() -> list[tuple[str, Callable, Callable, float]]:
    """Name, our call, the other call, and the greatest ratio of their times that we promise."""
    random = np.random.default_rng(0)
    small, large = (random.standard_normal(n).astype(np.float32) for n in (100, 1_000_000))
    small_out, large_out = np.empty_like(small), np.empty_like(large)
    copy_out = np.empty_like(large)

    def copy():
        np.copyto(copy_out, large)

    return [
        (
            "100 elements: leaky_relu(x, out=o) / np.where(...)",
            lambda: cyrelu.leaky_relu(small, out=small_out),
            lambda: np.where(small > 0, small, 0.01 * small),
            0.2,
        ),
        (
            "100 elements: relu(x, out=o) / np.maximum(x, 0, out=o)",
            lambda: cyrelu.relu(small, out=small_out),
            lambda: np.maximum(small, 0, out=small_out),
            0.2,
        ),
        (
            "1e6 elements: relu(x, out=o) / np.copyto(o, x)",
            lambda: cyrelu.relu(large, out=large_out),
            copy,
            1.0,
        ),
        (
            "1e6 elements: leaky_relu(x, out=o) / np.copyto(o, x)",
            lambda: cyrelu.leaky_relu(large, out=large_out),
            copy,
            1.0,
        ),
    ]


def compare(ours: Callable, theirs: Callable) -> tuple[float, float, float]:
    """Median nanoseconds a call of each, and the median ratio of neighbouring rounds."""
    number = calls_in_a_round(theirs)
    pairs = [
        (timeit.timeit(ours, number=number), timeit.timeit(theirs, number=number))
        for _ in range(ROUNDS)
    ]
    to_ns = 1e9 / number
    return (
        statistics.median(a for a, _ in pairs) * to_ns,
        statistics.median(b for _, b in pairs) * to_ns,
        statistics.median(a / b for a, b in pairs),
    )


def calls_in_a_round(call: Callable) -> int:
    return max(1, int(ROUND_SECONDS / (timeit.timeit(call, number=20) / 20)))


if __name__ == "__main__":
    sys.exit(main())
