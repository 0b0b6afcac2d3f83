"""Every path through a call, those that end in an error above all, gives back what it borrowed.

The counts of all objects that took part, and the memory in use, are after 50 calls what they were
before. Objects that are immortal (CPython 3.12 and newer: None, small integers, ...) have a count
that never changes: it says nothing about them, and need not.
"""

import gc
import sys
import sysconfig
import tracemalloc

import numpy as np
import pytest
from cases import each_function, operands_for
from layouts import every_second, read_only, unaligned

import cyrelu

pytestmark = [
    pytest.mark.thread_unsafe(reason="counts what everybody holds"),
    pytest.mark.skipif(
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")) or not hasattr(sys, "getrefcount"),
        reason="needs reference counts that can be compared",
    ),
]

TIMES = 50


@pytest.fixture(autouse=True, scope="module")
def alone():
    """On one thread, and with little for the garbage collector to go through each time."""
    gc.collect()
    gc.freeze()
    with cyrelu.num_threads(1):
        yield
    gc.unfreeze()


def assert_nothing_is_kept(call, watched, error=None):
    """Call it many times, with this error each time, and weigh what is left of it."""

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
    gc.collect()  # what a test before has left
    counts = [sys.getrefcount(each) for each in watched]
    tracemalloc.start()
    try:
        # Caches fill at first, some of Python's own slowly: a leak goes on.
        growths = [grown()]
        while len(growths) < 20 and not is_nothing(*growths[-1], error):
            growths.append(grown())
    finally:
        tracemalloc.stop()
    assert [sys.getrefcount(each) for each in watched] == counts
    assert is_nothing(*growths[-1], error), growths


def is_nothing(grown_bytes, grown_objects, error):
    """Less than the smallest object for each call."""
    if error is MemoryError:
        grown_bytes = 0  # NumPy tells tracemalloc of memory that it did not get
    return grown_bytes < 16 * TIMES and grown_objects < TIMES


class Mine(Exception):
    pass


class Raises:
    def __array__(self, dtype=None, copy=None):
        raise Mine

    def __ne__(self, other):
        raise Mine

    __index__ = __array__
    __hash__ = None


class RefusesUfuncs:
    __array_ufunc__ = None


def narrow(n, columns=3, dtype=np.float32):
    """Short rows of a wider array: too many for one row, too short for the package's own walk."""
    return np.ones((n, columns + 2), dtype)[:, 1:-1]


def overlapping(columns):
    memory = np.ones((1_501, columns), np.float32)
    return {"x": memory[:-1, 1:], "out": memory[1:, :-1]}


def broadcast(shape):
    return np.broadcast_to(np.float32(1), shape)


RECORD = np.dtype([("a", "f4"), ("b", "O")])
# What is wrong with the call, or where it goes: what is passed in place of the usual.
PATHS = {
    # The fast path, and what it leaves to others.
    "plain": ({}, None),
    "plain, GIL released": ({"x": np.ones(600, np.float32)}, None),
    "plain, out": ({"out": np.ones(3, np.float32)}, None),
    "plain, factors too large for float32": ({"negative_slope": 2**70, "at_zero": 2**70}, None),
    "factors of NumPy": ({"negative_slope": np.float64(2), "at_zero": np.float32(2)}, None),
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
    # Views.
    "view": ({"x": every_second(np.ones(9_000))}, None),
    "view, out": ({"x": narrow(130, 70), "out": narrow(130, 70)}, None),
    "view, factors": ({"x": narrow(130, 70), "negative_slope": np.ones(70, np.float32)}, None),
    "view, overlapping out": (overlapping(100), None),
    "view, short rows": ({"x": narrow(3_000)}, None),
    "view, short rows, out": ({"x": narrow(3_000), "out": narrow(3_000)}, None),
    "view, short rows, overlapping out": (overlapping(8), None),
    "view, empty": ({"x": np.ones((300, 0, 300), np.float32).T}, None),
    "view, out of another dtype": ({"x": narrow(3_000), "out": narrow(3_000, 3, "f8")}, None),
    "view, out of a wrong shape": ({"x": narrow(3_000), "out": narrow(3_000, 2)}, ValueError),
    "view, read-only out": ({"x": narrow(3_000), "out": read_only(narrow(3_000))}, ValueError),
    "view, more than memory": ({"x": broadcast((2**50,))}, MemoryError),
    "view, more than addresses": ({"x": broadcast((2**60,))}, MemoryError),
    # The ufunc's errors, explained.
    "x: object": ({"x": np.array([1, None])}, TypeError),
    "x: record": ({"x": np.zeros(3, RECORD)}, TypeError),
    "x: string": ({"x": "one"}, TypeError),
    "factors: objects": ({"negative_slope": RECORD, "at_zero": RECORD}, TypeError),
    "dtype: int": ({"dtype": np.dtype("m8[25s]"), "x": np.ones(3)}, TypeError),
    "out: of a wrong shape": ({"out": np.ones(4)}, ValueError),
    "out: read-only": ({"out": read_only(np.ones(3))}, ValueError),
    "out: record": ({"out": np.zeros(3, RECORD)}, TypeError),
    "out: a list": ({"out": [1.0, 2.0, 3.0]}, TypeError),
    "out: two": ({"out": (np.ones(3), np.ones(3))}, ValueError),
    "out: none": ({"out": ()}, ValueError),
    # The ufunc's errors, as they are.
    "x: ragged": ({"x": [[1.0], [1.0, 2.0]]}, ValueError),
    "x: raises": ({"x": Raises()}, Mine),
    "x: refuses": ({"x": RefusesUfuncs()}, TypeError),
    "out: refuses": ({"out": RefusesUfuncs()}, TypeError),
    "where: of a wrong shape": ({"out": np.ones(3), "where": np.ones(4, bool)}, ValueError),
    "casting: no such": ({"casting": "no such", "out": np.ones(3)}, ValueError),
    "casting: raises": ({"casting": Raises()}, (Mine, TypeError)),
    "order: no such": ({"order": "no such"}, ValueError),
    "dtype: no such": ({"dtype": "no such", "out": np.ones(3)}, TypeError),
    "dtype: raises": ({"dtype": Raises()}, TypeError),
    "subok: a number": ({"subok": 7.5}, TypeError),
    # The signature's.
    "an unknown keyword": ({"axis": np.ones(3)}, TypeError),
}


@each_function
@pytest.mark.parametrize(("changes", "error"), PATHS.values(), ids=PATHS)
def test_every_path_of_a_call(case, changes, error):
    operands = operands_for(case, np.float32, 3, float("0.3"), float("0.4"))
    operands.update(dict.fromkeys(case.arrays, changes.get("x", np.ones(3, np.float32))))
    operands.update({name: changes[name] for name in case.operands if name in changes})
    keywords = {key: value for key, value in changes.items() if key not in (*FACTORS, "x", "grad")}
    if error is not None and not keywords and not {*changes} & {*case.operands}:
        error = None  # it does not take the factor that is wrong
    watched = [*operands.values(), *keywords.values()]
    for value in [*watched]:
        if isinstance(value, (tuple, list)):
            watched += value
        watched.append(getattr(value, "dtype", None))
        watched.append(getattr(value, "base", None))
    for call in (case.call, case.call_ufunc):
        assert_nothing_is_kept(lambda call=call: call(operands, **keywords), watched, error)


FACTORS = ("negative_slope", "at_zero")


@each_function
def test_the_wrong_number_of_arguments(case):
    x = np.ones(3)
    assert_nothing_is_kept(lambda: case.function(), [x], TypeError)
    assert_nothing_is_kept(lambda: case.function(*[x] * 7), [x], TypeError)
    assert_nothing_is_kept(lambda: case.function(x=x), [x], TypeError)


LIMITS = {
    "an integer": (2, None),
    "of NumPy": (np.int64(2), None),
    "no integer": ("two", TypeError),
    "zero": (0, ValueError),
    "too large for C": (2**70, ValueError),
    "too large to print": (10**5000, ValueError),
    "raises": (Raises(), (Mine, TypeError)),
}


@pytest.mark.parametrize(("n", "error"), LIMITS.values(), ids=LIMITS)
def test_every_path_of_the_thread_limit(n, error):
    watched = [] if n in (0, 2) else [n]  # these are everywhere

    def block():
        with cyrelu.num_threads(n) as entered, entered:
            cyrelu.get_num_threads()

    assert_nothing_is_kept(block, watched, error)
    if error is not None:
        assert_nothing_is_kept(lambda: cyrelu.set_num_threads(n), watched, error)


def test_a_block_that_ends_in_an_error_or_was_never_entered():
    block = cyrelu.num_threads(2)

    def fails():
        with block:
            raise Mine

    assert_nothing_is_kept(fails, [block], Mine)
    assert_nothing_is_kept(block.__exit__, [block], IndexError)
    bare = cyrelu.num_threads.__new__(cyrelu.num_threads)
    assert_nothing_is_kept(bare.__enter__, [bare], AttributeError)
