"""Tests arrays of more than 2**31 elements at both ends and around 2**31 and 2**32 bytes.

    python tests/long/beyond_2_31.py [--folder FOLDER]

The calls work in place on 8.6 GB of float32; with grad, x and out in the same memory; on every
third element, backwards; on a memory-mapped file (in FOLDER, by default the one for temporary
files); and on more elements than fit in any memory. They need 10 GB of memory.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from oracle import bits, leaky_relu, relu, relu_backward
from tqdm import tqdm

import cyrelu

N = 2**31 + 12_345
PLACES = [0, 2**29, 2**30, 2**31, N]  # elements; 2**29 of them are 2**31 bytes
AROUND = 3_000
PATTERN = np.resize(np.array([-3, -0.0, 0.0, 1e-40, -1e-40, np.inf, -np.inf, 2], np.float32), 1009)


def filled(n):
    """A repeated pattern whose length divides no power of two."""
    x = np.empty(n, np.float32)
    whole = n // PATTERN.size
    x[: whole * PATTERN.size].reshape(whole, PATTERN.size)[:] = PATTERN
    x[whole * PATTERN.size :] = PATTERN[: n % PATTERN.size]
    return x


def neighbourhoods(n):
    for place in PLACES:
        yield slice(max(0, place - AROUND), min(n, place + AROUND))


def value_at(part):
    """The values that `filled` wrote to this part."""
    return PATTERN[np.arange(part.start, part.stop) % PATTERN.size]


def check(result, expected):
    """Compare around PLACES only; to compare all elements would take minutes."""
    for part in neighbourhoods(result.size):
        np.testing.assert_array_equal(bits(result[part]), bits(expected(value_at(part))))


def in_place(_folder):
    x = filled(N)
    assert cyrelu.leaky_relu(x, -2, out=x) is x
    check(x, lambda x: leaky_relu(x, np.float32(-2)))
    assert cyrelu.relu(x, out=x) is x
    check(x, lambda x: relu(leaky_relu(x, np.float32(-2))))
    return f"{N:,} float32 in place: right"


def the_ufunc(_folder):
    x = filled(N)
    cyrelu.ufuncs.relu(x, out=x)
    check(x, relu)
    return f"{N:,} float32 through the ufunc: right"


def backward(_folder):
    x = filled(N)
    half = np.float32(0.5)
    cyrelu.relu_backward(x, x, out=x, at_zero=0.5)
    check(x, lambda x: relu_backward(x, x, half))
    return f"{N:,} float32, relu_backward, grad and x and out the same: right"


def strided(_folder):
    memory = filled(N)
    view = memory[::-3]
    expected = relu(view[:AROUND].copy()), relu(view[-AROUND:].copy())
    others = memory[N % 3 :: 3]  # elements that are not in the view
    before = others[-AROUND:].copy()
    cyrelu.relu(view, out=view)
    np.testing.assert_array_equal(bits(view[:AROUND]), bits(expected[0]))
    np.testing.assert_array_equal(bits(view[-AROUND:]), bits(expected[1]))
    np.testing.assert_array_equal(bits(others[-AROUND:]), bits(before))
    return f"a view of {view.size:,} over {N:,} float32, backwards: right"


def a_file(folder):
    """A memory-mapped file, as input and output, that is larger than the memory."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        memory = 0
    n = max(N, int(1.1 * memory) // 4)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        if shutil.disk_usage(file.name).free < 1.2 * n * 4:
            return f"{n * 4:,} bytes mapped from a file: left out, the disk has not enough room"
        x = np.memmap(file, np.float32, "w+", shape=n)
        part = 2**16 * PATTERN.size
        block = np.resize(PATTERN, part)
        for start in range(0, n, part):
            x[start : start + part] = block[: n - start]
        cyrelu.relu(x, out=x)
        check(np.asarray(x), relu)
    return f"{n * 4:,} bytes mapped from a file, in place, beside {memory:,} of memory: right"


def no_memory(_folder):
    x = np.broadcast_to(np.float32(1), 2**45)
    for call in (cyrelu.relu, cyrelu.ufuncs.relu, cyrelu.leaky_relu_grad):
        try:
            call(x, *([0.5, 1] if call is cyrelu.ufuncs.leaky_relu_grad else []))
        except MemoryError:
            continue
        raise AssertionError(f"{call}: 128 TiB were there")
    return "128 TiB: MemoryError, as it should be"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=None)
    folder = parser.parse_args().folder
    with tqdm([in_place, the_ufunc, backward, strided, a_file, no_memory]) as steps:
        for step in steps:
            steps.set_description(step.__name__)
            began = time.monotonic()
            try:
                line = step(folder)
            except MemoryError:
                steps.write(f"{step.__name__}: left out, this machine has not enough memory")
                continue
            steps.write(f"{line}, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
