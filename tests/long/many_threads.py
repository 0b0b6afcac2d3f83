"""Runs Python threads with shared inputs and separate outputs while the thread limit changes.

    python tests/long/many_threads.py [--threads 32] [--seconds 30]

Every result is compared bit for bit. The memory in use at the end is compared with that after a
tenth of the time.
"""

import argparse
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from cases import CASES, operands_for
from layouts import every_second
from oracle import bits
from tqdm import tqdm

import cyrelu

LENGTHS = [1, 100, 4_000, 70_000, 300_001]
GROWTH = 16 << 20  # bytes of memory that are tolerated: allocators cache some for each thread


def resident_bytes():
    """The resident memory of this process; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * 4096


def prepared_calls():
    """(case, operands, the bits of the result): shared by all threads."""
    calls = []
    for case in CASES:
        for dtype in case.dtypes:
            for n in LENGTHS:
                contiguous = operands_for(case, dtype, n)
                strided = {
                    name: every_second(value) if name in case.arrays else value
                    for name, value in contiguous.items()
                }
                expected = bits(case.call(contiguous))
                calls += [(case, contiguous, expected), (case, strided, expected)]
    return calls


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()

    calls = prepared_calls()
    stop = threading.Event()
    done = [0] * options.threads
    wrong = []

    def work(me):
        chance = random.Random(me)
        outs = {}
        while not stop.is_set():
            case, operands, expected = chance.choice(calls)
            x = operands["x"]
            way = chance.choice(["fresh", "out", "block"])
            if way == "fresh":
                result = case.call(operands)
            elif way == "out":
                out = outs.setdefault(x.dtype, np.empty(max(LENGTHS), x.dtype))
                result = case.call(operands, out=out[: x.size])
            else:
                with cyrelu.num_threads(chance.randint(1, 4)):
                    result = case.call(operands)
            if not np.array_equal(bits(result), expected):
                wrong.append(f"thread {me}: {case.name}, {x.dtype}, {x.size} elements, {way}")
                stop.set()
            done[me] += 1

    threads = [threading.Thread(target=work, args=(me,)) for me in range(options.threads)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    early = None
    with tqdm(total=round(options.seconds), unit="s") as progress:
        while (passed := time.monotonic() - began) < options.seconds and not stop.is_set():
            cyrelu.set_num_threads(1 + int(passed * 1000) % 4)
            if early is None and passed > options.seconds / 10:
                early = resident_bytes()
            progress.update(int(passed) - progress.n)
            time.sleep(0.002)
    late = resident_bytes()
    stop.set()
    for thread in threads:
        thread.join()
    grown = late - (early or late)
    for line in wrong:
        print(line)
    print(
        f"{options.threads} Python threads, {options.seconds:.0f} s, limit changing from 1 to 4: "
        f"{sum(done):,} calls, {'some' if wrong else 'none'} wrong; memory grew by "
        f"{grown / 2**20:.1f} MiB, from {(early or late) / 2**20:.0f}"
    )
    return 1 if wrong or grown > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
