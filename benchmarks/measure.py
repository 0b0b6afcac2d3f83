"""The timing: all contenders of a cell in turn, round after round.

pyperf and asv time one function after the other, each in its own process. The speed of a shared
machine changes from second to second, so that such times cannot be compared. Here contenders run in
turn (A, B, C, A, B, C, ...) in one process, and a ratio divides two times of the same round. The
innermost loop is timeit's, which switches garbage collection off.

Threads need care, as measurements on two cores showed (1e6 elements, float32, microseconds):

- After a call with OpenMP, its threads spin for about 6 ms and take a core from the next contender:
  JAX took 490 instead of 337. So in cells with all threads there is a pause before each
  contender. ONNX Runtime, which spins for 40 ms, is configured not to spin after a call.
- After a pause the threads wake up, often all on one core for some milliseconds: cyrelu and
  PyTorch took 600 instead of 160. So each contender warms up for some time before it is timed.
- A shorter spinning time (GOMP_SPINCOUNT) makes the second effect worse (1200 instead of 160) and
  is not what users run. So the default is kept.
"""

from __future__ import annotations

import random
import statistics
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from cells import Cell, Operands, operands
from peers import Contender, Package, checkable, objection

PAUSE_SECONDS = 0.008
WARM_UP_SECONDS = 0.003
AWAKE_CALLS = 3  # after an array was restored on one thread, until the others are awake again
LONG_CALL_SECONDS = 0.05  # waking threads takes little of it, and a warm-up would be long
HUGE = 10**8  # elements: one call fills a round, which needs no estimate
SLOW = 3  # times slower than the fastest peer: not measured in every round
TRIAL_ROUNDS = 3  # after which slow peers are left out


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    round_seconds: float  # of calls, for each contender
    cell_seconds: float  # after which no new round begins
    least_rounds: int
    most_rounds: int


# The median of three rounds is unreliable if the host of a virtual machine stalls one of them.
FULL = Effort(round_seconds=0.004, cell_seconds=1.3, least_rounds=7, most_rounds=41)
QUICK = Effort(round_seconds=0.002, cell_seconds=1.0, least_rounds=3, most_rounds=15)


@dataclass
class Timed:
    """A contender that is ready to be timed, and the seconds that its calls took."""

    contender: Contender
    timer: timeit.Timer
    estimate: float = float("inf")  # made before the first round
    seconds: dict[int, float] = field(default_factory=dict)  # by round

    @property
    def median(self) -> float:
        return statistics.median(self.seconds.values())

    @property
    def least(self) -> float:
        return min([self.estimate, *self.seconds.values()])

    def calls(self, seconds: float) -> int:
        """How many calls take so many seconds."""
        return max(1, int(seconds / self.least))

    def make_estimate(self, round_seconds: float) -> None:
        calls, taken = 1, self.timer.timeit(1)
        while taken < round_seconds / 4:
            calls *= 4
            taken = self.timer.timeit(calls)
        self.estimate = taken / calls

    def ratio_to(self, other: Timed) -> float:
        """The median of the ratios in the rounds in which both were timed."""
        both = self.seconds.keys() & other.seconds.keys()
        return statistics.median(self.seconds[k] / other.seconds[k] for k in both)


@dataclass
class Measured:
    """A cell and the times of its contenders."""

    cell: Cell
    timed: list[Timed]
    dropped: dict[Contender, str]


def measure(cell: Cell, packages: list[Package], threads: int, effort: Effort) -> Measured:
    """Time every contender of the cell that computes what cyrelu does."""
    count = threads if cell.threads == "all" else 1
    for package in packages:
        if package.set_threads:
            package.set_threads(count)
    data = operands(cell)
    timed, dropped = [], {}
    for package in packages:
        fit = []
        for contender in package.contenders(cell):
            reason = objection(package, contender.formula, checkable(cell), count)
            if reason:
                dropped[contender] = reason
            else:
                fit.append(contender)
        if fit:
            names = package.names(cell, data, count)
            timed += [Timed(c, timeit.Timer(c.formula, globals=names)) for c in fit]
    time_in_turn(
        timed,
        effort,
        restore=lambda: restore(data),
        threaded=count > 1,
        trial_rounds=trial_rounds(cell),
    )
    return Measured(cell, timed, dropped)


def trial_rounds(cell: Cell) -> int | None:
    """For huge cells. New results get two: a virtual machine may wait for its host's memory."""
    if cell.size < HUGE:
        return None
    return 2 if cell.output == "fresh" else 1


def restore(data: Operands) -> None:
    """Restore the array overwritten in place."""
    if data.before is not None:
        np.copyto(data.out, data.before)


def time_in_turn(
    timed: list[Timed],
    effort: Effort,
    restore: Callable[[], None] = lambda: None,
    threaded: bool = False,
    trial_rounds: int | None = None,
) -> None:
    """Fill in the seconds of all contenders; slow peers take part in the trial rounds only.

    If trial_rounds is given, calls are long: one fills a round, and no estimate is made.
    """
    for each in timed:
        warm_up(each, threaded)  # the first call allocates memory that later ones may reuse
        if trial_rounds is None:
            each.make_estimate(effort.round_seconds)
        restore()
    running, shuffle = list(timed), random.Random(0).shuffle
    start = time.perf_counter()
    for k in range(effort.most_rounds):
        shuffle(running)  # so that none always follows the same other
        for each in running:
            if each.least < LONG_CALL_SECONDS:
                warm_up(each, threaded)
            restore()
            if threaded and each.least < LONG_CALL_SECONDS:
                each.timer.timeit(AWAKE_CALLS)
            calls = each.calls(effort.round_seconds)
            each.seconds[k] = each.timer.timeit(calls) / calls
        if k + 1 >= (trial_rounds or TRIAL_ROUNDS):
            running = without_slow_peers(running)
        if k + 1 >= effort.least_rounds and time.perf_counter() - start > effort.cell_seconds:
            break


def warm_up(each: Timed, threaded: bool) -> None:
    """Let the threads of other contenders fall asleep and those of this one wake up."""
    until = time.perf_counter()
    if threaded:
        time.sleep(PAUSE_SECONDS)
        until = time.perf_counter() + WARM_UP_SECONDS
    each.timer.timeit(1)
    while time.perf_counter() < until:
        each.timer.timeit(1)


def without_slow_peers(running: list[Timed]) -> list[Timed]:
    peers = [each.least for each in running if each.contender.kind == "peer"]
    bound = SLOW * min(peers, default=float("inf"))
    return [each for each in running if each.least <= bound or each.contender.kind == "cyrelu"]
