"""Every path through a call, above all those that end in an error, releases its references.

After 50 calls, the reference counts of all objects involved and the memory in use are what they
were before. Immortal objects (CPython 3.12 and newer: None, small integers, ...) have a constant
count, which proves nothing about them and need not. In CPython 3.11 the whole process counts its
references to None, so there only a difference of one for each call is a leak.
"""

import gc
import sys
import sysconfig
import tracemalloc

import numpy as np
import pytest
from cases import each_function
from layouts import every_second, read_only, unaligned

import cyrelu

pytestmark = [
    pytest.mark.thread_unsafe(reason="counts the references of all threads"),
    pytest.mark.skipif(
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")) or not hasattr(sys, "getrefcount"),
        reason="needs reference counts that can be compared",
    ),
]

TIMES = 50


@pytest.fixture(autouse=True, scope="module")
def alone():
    """Use one thread, and leave the garbage collector few objects to examine."""
    gc.collect()
    gc.freeze()
    with cyrelu.num_threads(1):
        yield
    gc.unfreeze()


def assert_no_leak(call, watched, error=None):
    """Call it many times, with this error each time, and compare counts and memory."""

    def many():
        for _ in range(TIMES):
            try:
                call()
            except Exception as caught:
                if error is None or not isinstance(caught, error):
                    raise
            else:
                assert error is None

    def grown():
        """By how many bytes and objects the process grows."""
        bytes_before, objects_before = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
        many()
        gc.collect()
        bytes_now, objects_now = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
        return bytes_now - bytes_before, objects_now - objects_before

    many()
    gc.collect()  # leftovers of the test before
    before = [sys.getrefcount(each) for each in watched]
    tracemalloc.start()
    try:
        # Caches fill at first, some of Python's own slowly, but a leak never ends.
        growths = [grown()]
        while len(growths) < 20 and not is_negligible(*growths[-1], error):
            growths.append(grown())
    finally:
        tracemalloc.stop()
    after = [sys.getrefcount(each) for each in watched]
    for each, change in zip(watched, np.subtract(after, before), strict=True):
        assert abs(change) < (TIMES if each is None else 1), (each, change)
    assert is_negligible(*growths[-1], error), growths


def is_negligible(grown_bytes, grown_objects, error):
    """Whether each call leaves less than the smallest object."""
    if error is MemoryError:
        grown_bytes = 0  # NumPy reports memory to tracemalloc that it did not get
    return grown_bytes < 16 * TIMES and grown_objects < TIMES


class OwnError(Exception):
    pass


class Raises:
    def __array__(self, dtype=None, copy=None):
        raise OwnError

    def __ne__(self, other):
        raise OwnError

    __index__ = __array__
    __hash__ = None


class RefusesUfuncs:
    __array_ufunc__ = None


def narrow(n, columns=3, dtype=np.float32):
    """Rows of a wider array; the strided path leaves short ones to the ufunc."""
    return np.ones((n, columns + 2), dtype)[:, 1:-1]


def overlapping(columns):
    memory = np.ones((1_501, columns), np.float32)
    return {"x": memory[:-1, 1:], "out": memory[1:, :-1]}


def broadcast(shape):
    return np.broadcast_to(np.float32(1), shape)


RECORD = np.dtype([("a", "f4"), ("b", "O")])
# Paths by name: the arguments that replace the usual ones, and the error. x stands for all arrays,
# and grad for the first of two; there is a tuple of factors, of which a function takes as many as
# it has.
PATHS = {
    # The fast path, and calls that it leaves to the ufunc.
    "contiguous": ({}, None),
    "contiguous, GIL released": ({"x": np.ones(600, np.float32)}, None),
    "contiguous, out": ({"out": np.ones(3, np.float32)}, None),
    "contiguous, factors too large for float32": (
        {"factors": (2**70, 2**70)},
        None,
    ),
    "NumPy scalars as factors": ({"factors": (np.float64(2), np.float32(2))}, None),
    "0-d": ({"x": np.float32(1), "grad": np.array(1.0)}, None),
    "empty": ({"x": np.ones((3, 0), np.float32)}, None),
    "unaligned": ({"x": unaligned(np.ones(3))}, None),
    "integers": ({"x": np.ones(3, int)}, None),
    "a list": ({"x": [1.0, 2.0]}, None),
    "all keywords": (
        {
            "out": (np.ones(3),),
            "where": np.array([True, False, True]),
            "casting": "unsafe",
            "order": "C",
            "dtype": np.dtype(np.float64),
            "subok": False,
        },
        None,
    ),
    # The strided path, and calls that it leaves to the ufunc.
    "strided": ({"x": every_second(np.ones(9_000))}, None),
    "strided, out": ({"x": narrow(130, 70), "out": narrow(130, 70)}, None),
    "strided, array factors": (
        {"x": narrow(130, 70), "factors": (np.ones(70, np.float32),)},
        None,
    ),
    "strided, overlapping out": (overlapping(100), None),
    "strided, short rows": ({"x": narrow(3_000)}, None),
    "strided, short rows, out": ({"x": narrow(3_000), "out": narrow(3_000)}, None),
    "strided, short rows, overlapping out": (overlapping(8), None),
    "strided, empty": ({"x": np.ones((300, 0, 300), np.float32).T}, None),
    "strided, out of another dtype": ({"x": narrow(3_000), "out": narrow(3_000, 3, "f8")}, None),
    "strided, out of a wrong shape": ({"x": narrow(3_000), "out": narrow(3_000, 2)}, ValueError),
    "strided, read-only out": ({"x": narrow(3_000), "out": read_only(narrow(3_000))}, ValueError),
    "strided, more than the memory": ({"x": broadcast((2**50,))}, MemoryError),
    "strided, more than the address space": ({"x": broadcast((2**60,))}, MemoryError),
    # The ufunc's errors, explained.
    "x: object": ({"x": np.array([1, None])}, TypeError),
    "x: record": ({"x": np.zeros(3, RECORD)}, TypeError),
    "x: string": ({"x": "one"}, TypeError),
    "factors: objects": ({"factors": (RECORD, RECORD)}, TypeError),
    "dtype: int": ({"dtype": np.dtype("m8[25s]"), "x": np.ones(3)}, TypeError),
    "out: of a wrong shape": ({"out": np.ones(4)}, ValueError),
    "out: read-only": ({"out": read_only(np.ones(3))}, ValueError),
    "out: record": ({"out": np.zeros(3, RECORD)}, TypeError),
    "out: a list": ({"out": [1.0, 2.0, 3.0]}, TypeError),
    "out: a tuple of two": ({"out": (np.ones(3), np.ones(3))}, ValueError),
    "out: an empty tuple": ({"out": ()}, ValueError),
    # The ufunc's errors, as they are.
    "x: ragged": ({"x": [[1.0], [1.0, 2.0]]}, ValueError),
    "x: raises": ({"x": Raises()}, OwnError),
    "x: refuses ufuncs": ({"x": RefusesUfuncs()}, TypeError),
    "out: refuses ufuncs": ({"out": RefusesUfuncs()}, TypeError),
    "where: of a wrong shape": ({"out": np.ones(3), "where": np.ones(4, bool)}, ValueError),
    "casting: no such": ({"casting": "no such", "out": np.ones(3)}, ValueError),
    "casting: raises": ({"casting": Raises()}, (OwnError, TypeError)),
    "order: no such": ({"order": "no such"}, ValueError),
    "dtype: no such": ({"dtype": "no such", "out": np.ones(3)}, TypeError),
    "dtype: raises": ({"dtype": Raises()}, TypeError),
    "subok: a number": ({"subok": 7.5}, TypeError),
    # Errors of the signature.
    "an unknown keyword": ({"axis": np.ones(3)}, TypeError),
}


@each_function
@pytest.mark.parametrize(("changes", "error"), PATHS.values(), ids=PATHS)
def test_every_path_of_a_call(case, changes, error):
    keywords = {**changes}
    operands = dict.fromkeys(case.arrays, keywords.pop("x", np.ones(3, np.float32)))
    grad = keywords.pop("grad", None)
    if grad is not None and len(case.arrays) > 1:
        operands[case.arrays[0]] = grad
    operands |= {name: float("0.3") for name in case.factors}  # objects of their own
    operands |= dict(zip(case.factors, keywords.pop("factors", ()), strict=False))
    if [*changes] == ["factors"] and not case.factors:
        error = None
    watched = [*operands.values(), *keywords.values()]
    for value in [*watched]:
        if isinstance(value, (tuple, list)):
            watched += value
        watched.append(getattr(value, "dtype", None))
        watched.append(getattr(value, "base", None))
    for call in (case.call, case.call_ufunc):
        assert_no_leak(lambda call=call: call(operands, **keywords), watched, error)


@each_function
def test_the_wrong_number_of_arguments(case):
    x = np.ones(3)
    assert_no_leak(lambda: case.function(), [x], TypeError)
    assert_no_leak(lambda: case.function(*[x] * 9), [x], TypeError)
    assert_no_leak(lambda: case.function(x=x), [x], TypeError)


LIMITS = {
    "an integer": (2, None),
    "a NumPy integer": (np.int64(2), None),
    "a string": ("two", TypeError),
    "zero": (0, ValueError),
    "too large for C": (2**70, ValueError),
    "too large to print": (10**5000, ValueError),
    "raises": (Raises(), (OwnError, TypeError)),
}


@pytest.mark.parametrize(("n", "error"), LIMITS.values(), ids=LIMITS)
def test_every_path_of_the_thread_limit(n, error):
    watched = [] if n in (0, 2) else [n]  # the whole process shares these

    def block():
        with cyrelu.num_threads(n) as entered, entered:
            cyrelu.get_num_threads()

    assert_no_leak(block, watched, error)
    if error is not None:
        assert_no_leak(lambda: cyrelu.set_num_threads(n), watched, error)


def test_a_block_that_ends_in_an_error_or_was_never_entered():
    block = cyrelu.num_threads(2)

    def fails():
        with block:
            raise OwnError

    assert_no_leak(fails, [block], OwnError)
    assert_no_leak(block.__exit__, [block], RuntimeError)
    bare = cyrelu.num_threads.__new__(cyrelu.num_threads)
    assert_no_leak(bare.__enter__, [bare], AttributeError)
