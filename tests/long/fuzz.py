"""Compares calls decoded from bytes with the oracle; no byte outside of out may change.

    make fuzz                             atheris (libFuzzer) for SECONDS=60, guided by coverage
    python tests/long/fuzz.py --random    random bytes, if atheris is not installed
    python tests/long/fuzz.py FILE ...    repeats the findings in these files

A call must return what the oracle returns, or raise if it must be refused, and may change no byte
outside of out. A finding is printed as a call, and its bytes are written to build/fuzz.
"""

import argparse
import mmap
import os
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import calls_from_bytes
import numpy as np
import oracle
from calls_from_bytes import call_from
from cases import bfloat16

from cyrelu._numpy import errors

FOLDER = Path(__file__).resolve().parents[2] / "build" / "fuzz"


def try_bytes(data):
    """Check the call that these bytes encode; a note in the error describes the call."""
    call = call_from(data)
    try:
        check(call)
    except Exception as finding:
        finding.add_note(f"{call}\nin bytes: {bytes(data).hex()}")
        raise


def check(call):
    buffers = [buffer.copy() for buffer in call.buffers]
    out_before = None if call.out is None else call.out.copy()
    expected = expected_result(call)
    if expected is None:
        try:
            call()
        except (TypeError, ValueError):
            check_buffers(call, buffers, None)
            return
        raise AssertionError("a call that must be refused was not")
    result = call()
    own = check_buffers(call, buffers, call.out)
    if call.out is None:
        oracle.assert_same(result, expected)
        return
    assert result is call.out
    # Undefined, as in NumPy: which result an element keeps where out overlaps itself, and to which
    # integer a NaN is cast.
    if own < result.nbytes or result.dtype.kind == "i":
        return
    where = np.broadcast_to(call.keywords.get("where", True), result.shape)
    if result.dtype != expected.dtype:
        # If out overlaps an input, NumPy's ufuncs cast what where= excludes there and back.
        out_before[~where] = result[~where]
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(expected, result.shape).astype(result.dtype)
    oracle.assert_same(result, np.where(where, expected, out_before).astype(result.dtype))


def check_buffers(call, before, out):
    """Check that only the bytes of out have changed, and return their number."""
    own = 0
    for k, buffer in enumerate(call.buffers):
        changed = np.not_equal(buffer, before[k])  # what `!=` returns, atheris never frees
        if out is not None and out.size and call.place(out)[0] == k:
            mask = np.zeros(buffer.nbytes, bool)
            one = np.array(b"\1" * out.itemsize, f"V{out.itemsize}")
            np.ndarray(out.shape, one.dtype, mask.data, call.place(out)[1], out.strides)[...] = one
            own = mask.sum()
            changed &= ~mask
        assert not changed.any(), f"bytes of buffer {k} have changed that are not out's"
    return own


def expected_result(call):
    """The oracle's result; None where the call must be refused."""
    casting = call.keywords.get("casting", "same_kind")
    dtype = call.keywords.get("dtype")
    where = np.asarray(call.keywords.get("where", True))
    given = call.operands.values()
    strong = [value.dtype for value in given if type(value) not in (int, float)]
    to, how = (dtype, casting) if dtype else (np.float64, "safe")
    if not all(np.can_cast(each, to, how) for each in strong):
        return None
    if dtype is None:
        dtype = dtype_of_result(call.case, given)
        if (
            bfloat16
            and dtype == bfloat16
            and call.as_ufunc
            and casting == "safe"
            and float in map(type, given)
        ):
            return None  # a Python float is not weak beside it, to NumPy
    try:
        shape = np.broadcast_shapes(where.shape, *(np.shape(value) for value in given))
        fits = call.out is None or np.broadcast_shapes(shape, call.out.shape) == call.out.shape
    except ValueError:
        return None
    if call.out is not None and not (
        fits and call.out.flags.writeable and np.can_cast(dtype, call.out.dtype, casting)
    ):
        return None
    with np.errstate(all="ignore"):
        inputs = [np.asarray(value).astype(dtype) for value in given]
    return np.asarray(call.case.oracle(*inputs)).astype(dtype, copy=False)


def dtype_of_result(case, given):
    """The dtype of the result; Python numbers take that of the arrays beside them."""
    strong = [value.dtype for value in given if type(value) not in (int, float)]
    if all(each.kind in "iu" for each in strong):
        promoted = np.result_type(*given).newbyteorder("=")
        return promoted if case.oracle.takes_integers else np.float64
    floats = [bfloat16] if bfloat16 in [each.type for each in strong] else []
    floats += [np.float16, np.float32, np.float64]
    return next(to for to in floats if all(np.can_cast(each, to) for each in strong))


def random_bytes(seed):
    source = random.Random(seed)
    return source.randbytes(source.randrange(120))


def at_random(seconds, tried):
    seed = int.from_bytes(os.urandom(6))
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        data = random_bytes(seed + tried())
        (FOLDER / "last").write_bytes(data)  # kept even if the call crashes the process
        try_bytes(data)


def with_atheris(seconds, tried):
    import atheris

    # libFuzzer measures the coverage of these modules, in which the bytes choose the branches.
    for module in (calls_from_bytes, sys.modules[__name__], errors):
        for function in vars(module).values():
            if getattr(function, "__module__", None) == module.__name__ and hasattr(
                function, "__code__"
            ):
                atheris.instrument_func(function)

    def try_input(data):
        tried()
        try:
            try_bytes(data)
        except Exception:
            traceback.print_exc()  # with the note, which atheris leaves out
            raise

    corpus = FOLDER / "corpus"
    corpus.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=150", f"-artifact_prefix={FOLDER}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_input)
    atheris.Fuzz()


def in_a_child(fuzz, seconds):
    """Fuzz in a child process, which may crash; print the number of inputs at the end."""
    count = np.frombuffer(mmap.mmap(-1, 8), np.int64)  # shared with the child

    def tried():
        count[0] += 1
        return int(count[0])

    FOLDER.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        fuzz(seconds, tried)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - start
    found = f"1 finding, in {FOLDER}" if status else "no findings"
    print(f"{count[0]:,} inputs in {seconds:.0f} s: {found}")
    return bool(status)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--random", action="store_true", help="random bytes, without atheris")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("files", nargs="*", type=Path, help="findings to try again")
    options = parser.parse_args()
    for file in options.files:
        try_bytes(file.read_bytes())
    if options.files:
        return 0
    return in_a_child(at_random if options.random else with_atheris, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
