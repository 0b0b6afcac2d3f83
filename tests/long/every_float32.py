"""Compares every function with the oracle for every float32, bit for bit.

    python tests/long/every_float32.py [--only relu ...] [--every N]

Each function gets all 2**32 bit patterns, on each instruction set that the machine supports, with
and without streaming stores. Another array, such as grad, takes every bit pattern once, too.
--every N tests one block of N, which takes seconds.
"""

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from cases import CASES, without_two_nans
from tqdm import tqdm

import cyrelu
from cyrelu import _testing

PATTERNS = 2**32
BLOCK = 2**16  # the input, the output and the oracle's temporaries stay in L2
BLOCKS_OF_A_TASK = 256
INSTRUCTION_SETS = cyrelu.show_config("dicts")["instruction_set"]["available"]
STREAMED = {"streamed": 0, "not streamed": 2**62}  # the threshold in bytes
ODD = np.uint32(2654435761)  # multiplying by an odd number reaches every pattern once


def operands_of_block(case, start, count=BLOCK):
    """The patterns from start on as x, as many other ones as other arrays, and the factors."""
    patterns = np.arange(start, start + count, dtype=np.uint64).astype(np.uint32)
    x, other = patterns.view(np.float32), (patterns * ODD).view(np.float32)
    arrays = dict.fromkeys(case.arrays, other) | {"x": x}
    return without_two_nans(case, arrays) | case.defaults


def wrong_results(case, operands, call=None):
    """A line for each wrong result, on any instruction set, streamed or not."""
    call = call or case.call
    patterns = operands["x"].view(np.uint32)
    expected = case.expected(operands).view(np.uint32)
    out = np.empty_like(operands["x"])
    result = out.view(np.uint32)
    lines = []
    for isa, (streamed, stream_bytes) in itertools.product(INSTRUCTION_SETS, STREAMED.items()):
        _testing.set_instruction_set(isa)
        _testing.set_stream_threshold(stream_bytes)
        result[:] = ~expected
        call(operands, out=out)
        if not np.array_equal(result, expected):
            lines += [
                f"{isa}, {streamed}: {case.name} of 0x{patterns[i]:08x} "
                f"is 0x{result[i]:08x}; expected 0x{expected[i]:08x}"
                for i in np.flatnonzero(result != expected)
            ]
    return lines


def check(task):
    """The wrong results of a function in the first of several blocks that has any."""
    name, start, blocks = task
    [case] = [case for case in CASES if case.name == name]
    with cyrelu.num_threads(1):
        for first in range(start, start + blocks * BLOCK, BLOCK):
            if lines := wrong_results(case, operands_of_block(case, first)):
                return lines[:10]
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="FUNCTION")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    options = parser.parse_args()

    span = BLOCK * (BLOCKS_OF_A_TASK if options.every == 1 else 1)
    starts = range(0, PATTERNS, span * options.every)
    tasks = [(name, start, span // BLOCK) for name in options.only for start in starts]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    began = time.monotonic()
    wrong = []
    with (
        multiprocessing.get_context("spawn").Pool(processors) as pool,
        tqdm(total=len(tasks) * span, unit=" patterns", unit_scale=True) as progress,
    ):
        for lines in pool.imap_unordered(check, tasks):
            progress.update(span)
            wrong += lines
    for line in wrong[:20]:
        print(line)
    results = len(INSTRUCTION_SETS) * len(tasks) * span * len(STREAMED)
    print(
        f"{len(starts) * span:,} float32 patterns, {len(options.only)} functions, "
        f"{', '.join(INSTRUCTION_SETS)}, streamed and not: {results:,} results, "
        f"{'some' if wrong else 'none'} wrong, {time.monotonic() - began:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
