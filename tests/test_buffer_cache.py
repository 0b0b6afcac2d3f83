"""The buffer of a large result is cached for the next one (buffer_cache.pyx)."""

import ctypes
import textwrap
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from cases import each_function
from control_groups import control_group
from fresh_process import run_python

import cyrelu
from cyrelu import _testing
from cyrelu._numpy.buffer_cache import get_cached_bytes, handler

MiB = 1 << 20
LEAST = 32 << 20  # bytes of the smallest buffer that is cached
N = LEAST // 4 + 1000  # float32
MAX_CACHED_BYTES = cyrelu.show_config("dicts")["buffer_cache"]["max_cached_bytes"]

pytestmark = [
    pytest.mark.skipif(not MAX_CACHED_BYTES, reason="the system has no MADV_FREE"),
    pytest.mark.thread_unsafe(reason="one buffer is cached for the whole process"),
]


@pytest.fixture(autouse=True)
def empty_cache():
    _testing.set_max_cached_bytes(1 << 30)
    yield
    _testing.set_max_cached_bytes(1 << 30)


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal(N, dtype=np.float32)


def address(array):
    return array.__array_interface__["data"][0]


def handler_name(array):
    return np._core.multiarray.get_handler_name(array)


def test_the_next_result_reuses_the_buffer(x):
    first = cyrelu.relu(x)
    place, size = address(first), first.nbytes
    assert get_cached_bytes() == 0
    del first
    assert get_cached_bytes() == size
    second = cyrelu.leaky_relu(x)
    assert address(second) == place
    assert get_cached_bytes() == 0
    assert np.array_equal(second, np.where(x > 0, x, np.float32(0.01) * x))


def test_a_buffer_in_use_is_not_reused(x):
    first = cyrelu.relu(x)
    second = cyrelu.relu(-x)
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, np.maximum(x, 0))
    assert np.array_equal(second, np.maximum(-x, 0))


def test_a_view_keeps_the_buffer_in_use(x):
    view = cyrelu.relu(x)[::2]
    assert get_cached_bytes() == 0
    expected = view.copy()
    cyrelu.relu(-x)
    assert np.array_equal(view, expected)


SIZES = {  # of the next result, and whether it reuses the cached buffer
    "as large": (N, True),
    "a little smaller": (N - 900, True),
    "a fifth smaller": (N * 4 // 5, False),  # below the least size
    "larger": (N + 1, False),
    "far larger": (2 * N, False),
    "small": (1000, False),
}


@pytest.mark.parametrize("case", SIZES)
def test_reuse_by_size(case):
    size, reused = SIZES[case]
    cached = cyrelu.relu(np.zeros(N, np.float32)).nbytes
    assert get_cached_bytes() == cached
    x = np.linspace(-1, 1, size, dtype=np.float32)
    result = cyrelu.relu(x)
    assert get_cached_bytes() == (0 if reused else cached)
    assert np.array_equal(result, np.maximum(x, 0))


def test_the_buffer_freed_last_is_cached():
    larger = cyrelu.relu(np.ones(2 * N, np.float32))
    smaller = cyrelu.relu(np.ones(N, np.float32))
    del smaller
    assert get_cached_bytes() == 4 * N
    del larger
    assert get_cached_bytes() == 8 * N


@pytest.mark.parametrize("limit", [0, LEAST])
def test_no_buffer_above_the_limit_is_cached(limit, x):
    _testing.set_max_cached_bytes(limit)
    cyrelu.relu(x)
    assert get_cached_bytes() == 0


def test_small_results_use_numpys_allocator():
    assert handler_name(cyrelu.relu(np.ones(100))) == "default_allocator"
    assert handler_name(cyrelu.relu(np.ones(LEAST // 8 - 1))) == "default_allocator"
    assert handler_name(cyrelu.relu(np.ones(LEAST // 8))) == "cyrelu"
    assert handler_name(np.ones(LEAST // 8)) == "default_allocator"


def test_results_of_strided_and_broadcast_operands():
    x = np.random.default_rng(0).standard_normal((3000, 6000), dtype=np.float32)
    first = cyrelu.relu(x[:, ::2])
    assert handler_name(first) == "cyrelu"
    place = address(first)
    del first
    slopes = np.linspace(0, 1, 3000, dtype=np.float32)
    second = cyrelu.leaky_relu(x[:, 1::2], slopes)
    assert address(second) == place
    assert np.array_equal(second, np.where(x[:, 1::2] > 0, x[:, 1::2], slopes * x[:, 1::2]))


@each_function
def test_same_bits_in_a_reused_buffer(case, threads):
    x = np.random.default_rng(0).standard_normal(N, dtype=np.float32)
    x[::7], x[::11], x[::13] = np.nan, -0.0, -np.inf
    arrays = [x] * len(case.arrays)
    new = case.function(*arrays)
    expected, place = new.tobytes(), address(new)
    new.fill(1)
    del new
    reused = case.function(*arrays)
    assert address(reused) == place
    assert reused.tobytes() == expected


def test_a_result_can_be_resized(x):
    result = cyrelu.relu(x)
    result.resize(N + 5000)
    assert np.array_equal(result[:N], np.maximum(x, 0))
    assert not result[N:].any()
    result.resize(10)
    assert np.array_equal(result, np.maximum(x[:10], 0))
    del result
    assert get_cached_bytes() == 0  # too small by now


def test_tracemalloc_counts_each_result_once(x):
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = cyrelu.relu(x)
        during, _ = tracemalloc.get_traced_memory()
        assert during - before == pytest.approx(x.nbytes, rel=0.01)
        del result
        after, _ = tracemalloc.get_traced_memory()
        assert after - before < 100_000  # pytest.approx allocates objects, too
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc")
def test_the_kernel_may_reclaim_the_cached_buffer(x):
    def lazily_free():
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        [line] = [line for line in lines if line.startswith("LazyFree:")]
        return int(line.split()[1]) << 10

    before = lazily_free()
    cyrelu.relu(x)
    assert lazily_free() - before > 0.9 * x.nbytes


def test_several_threads(x):
    expected = {sign: np.maximum(sign * x, 0) for sign in (1, -1)}
    wrong = []

    def work(sign):
        signed = sign * x
        for _ in range(10):
            if not np.array_equal(cyrelu.relu(signed), expected[sign]):
                wrong.append(sign)

    workers = [threading.Thread(target=work, args=[sign]) for sign in (1, -1, 1, -1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_cyrelu_max_cached_bytes():
    report = """
        import numpy as np, cyrelu
        cyrelu.relu(np.ones(5 << 20))
        print(*cyrelu.show_config("dicts")["buffer_cache"].values())
    """
    for limit, cached in [("0", 0), ("40000000", 0), ("50000000", 5 << 23), ("", 5 << 23)]:
        finished = run_python(report, CYRELU_MAX_CACHED_BYTES=limit)
        assert finished.stdout == f"{limit or 1 << 30} {cached}\n", finished.stderr


def test_empty_cache(x):
    cyrelu.relu(x)
    assert cyrelu.show_config("dicts")["buffer_cache"]["cached_bytes"] == x.nbytes
    assert cyrelu.empty_cache.__doc__
    cyrelu.empty_cache()
    assert cyrelu.show_config("dicts")["buffer_cache"]["cached_bytes"] == 0
    cyrelu.empty_cache()


# ---- limits of memory, as other programs in the process feel them

LIMITS = """
    import resource, numpy as np, cyrelu
    MiB = 1 << 20
    def used():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    def leave(limit, room):
        resource.setrlimit(limit, (used() + room, resource.getrlimit(limit)[1]))
    def cached():
        return cyrelu.show_config("dicts")["buffer_cache"]["cached_bytes"]
    np.maximum(np.ones(MiB), 0)
    cyrelu.relu(np.ones(MiB))
    cyrelu.set_num_threads(1)
"""
RESULTS = {
    "contiguous": "cyrelu.relu(x)",
    "strided": "cyrelu.relu(x[::-1])",
    "ufunc": "cyrelu.relu(x, order='C')",
}


def run_limited(code):
    if not Path("/proc/self/statm").exists():
        pytest.skip("reads /proc")
    # Other threads would reserve address space for their allocations at any time; and what imports
    # have left free in the heap could serve an allocation that is to fail.
    malloc = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
    environment = {"OPENBLAS_NUM_THREADS": "1", **malloc}
    finished = run_python(textwrap.dedent(LIMITS) + textwrap.dedent(code), **environment)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
@pytest.mark.parametrize("call", ["np.maximum(x, 0)", *RESULTS.values()], ids=["numpy", *RESULTS])
def test_nothing_is_cached_under_a_limit_of_the_address_space(limit, call):
    run_limited(f"""
        leave(resource.{limit}, 350 * MiB)
        x = np.ones(100 * MiB // 8)
        result = {call}
        del result
        assert cached() == 0
        np.empty(200 * MiB // 8)
    """)


@pytest.mark.parametrize("size", [2, 40], ids=["small", "large"])
@pytest.mark.parametrize("call", RESULTS.values(), ids=RESULTS)
def test_an_allocation_that_fails_empties_the_cache(call, size):
    """The limit comes after the buffer has been cached, and leaves no room beside it."""
    run_limited(f"""
        cyrelu.relu(np.ones(100 * MiB // 8))
        assert cached() == 100 * MiB
        x = np.ones({size} * MiB // 8)
        leave(resource.RLIMIT_AS, {size} * MiB // 2)
        assert ({call} == x).all()
        assert cached() == 0
    """)


@pytest.mark.parametrize("call", RESULTS.values(), ids=RESULTS)
def test_an_allocation_that_fails_without_a_cache_is_an_error(call):
    run_limited(f"""
        x = np.ones(40 * MiB // 8)
        leave(resource.RLIMIT_AS, 10 * MiB)
        try:
            {call}
        except MemoryError:
            pass
        else:
            raise AssertionError("there was room")
        assert cyrelu.relu(x[:10]).all()
    """)


def test_the_kernel_takes_the_cached_buffer_under_the_limit_of_a_container():
    with control_group("memory", 350 * MiB) as group:
        run_limited(f"""
            import os
            from pathlib import Path
            Path({str(group)!r}, "cgroup.procs").write_text(str(os.getpid()))
            x = np.ones(100 * MiB // 8)
            cyrelu.relu(x)
            assert cached() == 100 * MiB
            assert np.full(200 * MiB // 8, 1.0).all()
            assert (cyrelu.relu(x) == x).all()
        """)


# ---- the memory handler (NEP 49) in effect for NumPy's own arrays, through NumPy's C API

GET_HANDLER, SET_HANDLER = 305, 304  # indices in NumPy's table of C functions


@pytest.fixture
def set_handler():
    """A function that sets the memory handler; the one before is restored afterwards."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(
        pointer(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p)
    )
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[SET_HANDLER])
    get_handler = ctypes.PYFUNCTYPE(ctypes.py_object)(table[GET_HANDLER])
    before = get_handler()
    yield set_handler
    set_handler(before)


def test_numpy_works_with_the_handler(set_handler):
    set_handler(handler)
    zeros = np.zeros((N, 2), np.float32)
    assert handler_name(zeros) == "cyrelu"
    assert not zeros.any()
    zeros[:] = 1
    del zeros
    assert get_cached_bytes() == 8 * N
    assert not np.zeros(2 * N, np.float32).any()  # also when a buffer is cached
    for n in (0, 1, 10, 10_000, N):
        grown = np.arange(n, dtype=np.float32)
        grown.resize(n + 7)
        assert np.array_equal(grown[:n], np.arange(n, dtype=np.float32))
    with pytest.raises(MemoryError):
        np.zeros(2**62, np.int8)
    with pytest.raises(MemoryError):
        np.empty(2**62, np.int8)
    assert np.array_equal(np.sort(np.arange(1000)[::-1].copy()), np.arange(1000))


def test_a_handler_set_by_the_user_is_kept(set_handler, x):
    # A copy of the handler under another name.
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    size = 128 + 5 * ctypes.sizeof(ctypes.c_void_p)
    theirs = ctypes.create_string_buffer(
        ctypes.string_at(pointer(handler, b"mem_handler"), size), size
    )
    ctypes.memmove(theirs, b"theirs\0", 7)
    set_handler(new(ctypes.addressof(theirs), b"mem_handler", None))
    assert handler_name(cyrelu.relu(x)) == "theirs"
    assert handler_name(cyrelu.relu(x[::-1])) == "theirs"
