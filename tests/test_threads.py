"""Threads: the limit in effect, the same bits, many callers at once."""

import contextlib
import os
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cases import each_dtype, each_function_and_dtype, operands_for, sample
from fresh_process import run_python
from oracle import assert_same_bits

import cyrelu
from cyrelu._platform.cgroups import cpu_quota

pytestmark = pytest.mark.thread_unsafe(reason="changes the limits of the process")

has_openmp = cyrelu.show_config("dicts")["openmp"]["specification"] is not None
needs_openmp = pytest.mark.skipif(not has_openmp, reason="built without OpenMP")
counts_threads = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="counts threads in /proc"
)

# On both sides of the threading threshold, with ends inside a page and a chunk.
LARGE = [65_535, 65_536, 65_537, 262_144, 300_001, 1_000_003]


@pytest.fixture(autouse=True)
def restored_limit():
    before = cyrelu.get_num_threads()
    yield
    cyrelu.set_num_threads(before)


class TestLimit:
    def test_the_limit_of_a_block_overrides_that_of_the_process(self):
        cyrelu.set_num_threads(3)
        assert cyrelu.get_num_threads() == 3
        with cyrelu.num_threads(5):
            assert cyrelu.get_num_threads() == 5
            with cyrelu.num_threads(1):
                assert cyrelu.get_num_threads() == 1
            cyrelu.set_num_threads(2)
            assert cyrelu.get_num_threads() == 5
        assert cyrelu.get_num_threads() == 2

    def test_a_block_restores_the_limit_after_an_error_and_is_reusable(self):
        cyrelu.set_num_threads(3)
        block = cyrelu.num_threads(1)
        for _ in range(2):
            with contextlib.suppress(LookupError), block:
                assert cyrelu.get_num_threads() == 1
                raise LookupError
            assert cyrelu.get_num_threads() == 3
        with block, block:
            assert cyrelu.get_num_threads() == 1
        assert cyrelu.get_num_threads() == 3

    def test_a_block_applies_to_its_own_thread_only(self):
        cyrelu.set_num_threads(3)
        with cyrelu.num_threads(1), ThreadPoolExecutor(1) as pool:
            assert pool.submit(cyrelu.get_num_threads).result() == 3
            pool.submit(cyrelu.set_num_threads, 4).result()
        assert cyrelu.get_num_threads() == 4

    def test_numpy_integers_are_integers(self):
        cyrelu.set_num_threads(np.int64(2))
        assert cyrelu.get_num_threads() == 2

    @pytest.mark.parametrize("n", [0, -1, 1025, 10**30])
    @pytest.mark.parametrize("name", ["set_num_threads", "num_threads"])
    def test_out_of_range(self, name, n):
        before = cyrelu.get_num_threads()
        with pytest.raises(ValueError, match=rf"^{name}: n is {n}; expected 1 to 1024"):
            getattr(cyrelu, name)(n)
        assert cyrelu.get_num_threads() == before

    def test_none_goes_back_to_the_limit_at_import(self):
        before = cyrelu.show_config("dicts")["threads"]
        cyrelu.set_num_threads(3)
        cyrelu.set_num_threads(None)
        expected = before["environment_limit"] or min(
            before["openmp_max_threads"], before["cgroup_cpu_quota"] or 1024
        )
        assert cyrelu.get_num_threads() == expected
        assert cyrelu.show_config("dicts")["threads"]["process_limit"] is None

    @pytest.mark.parametrize(
        ("name", "n"),
        [(name, n) for name in ("set_num_threads", "num_threads") for n in (1.0, "2", [1])]
        + [("num_threads", None)],
    )
    def test_not_an_integer(self, name, n):
        kind = type(n).__name__
        with pytest.raises(TypeError, match=rf"^{name}: n is .* of type {kind}; expected an int"):
            getattr(cyrelu, name)(n)


class TestEnvironment:
    REPORT = "import cyrelu; print(cyrelu.get_num_threads())"

    def test_cyrelu_num_threads(self):
        assert run_python(self.REPORT, CYRELU_NUM_THREADS=" 7 ").stdout == "7\n"

    @needs_openmp
    def test_omp_num_threads(self):
        environment = {"OMP_NUM_THREADS": "1", "CYRELU_NUM_THREADS": ""}
        assert run_python(self.REPORT, **environment).stdout == "1\n"

    @needs_openmp
    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
    def test_cpu_affinity(self):
        code = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {self.REPORT}"
        finished = run_python(code, CYRELU_NUM_THREADS=None, OMP_NUM_THREADS=None)
        assert finished.stdout == "1\n", finished.stderr

    @pytest.mark.skipif(
        "gomp" not in (cyrelu.show_config("dicts")["openmp"]["runtime"] or "")
        or not hasattr(os, "sched_getaffinity")
        or len(os.sched_getaffinity(0)) < 2,
        reason="needs GNU's OpenMP runtime, CPU affinity and two processors",
    )
    @pytest.mark.parametrize(
        ("variables", "is_bound"),
        [
            ({"OMP_PROC_BIND": "true"}, True),
            ({"OMP_PLACES": "cores"}, True),
            ({"GOMP_CPU_AFFINITY": "0-1023"}, True),
            ({"OMP_PROC_BIND": "false", "OMP_PLACES": "cores"}, False),
            ({"OMP_PROC_BIND": "false", "GOMP_CPU_AFFINITY": "0-1023"}, False),
            ({}, False),
        ],
        ids=str,
    )
    def test_the_runtime_binds_the_importing_thread(self, variables, is_bound):
        """As docs/howto/threads.md says, with a remedy that holds through calls with a team."""
        code = """
            import os
            before = os.sched_getaffinity(0)
            import cyrelu, numpy as np
            print(os.sched_getaffinity(0) < before)
            os.sched_setaffinity(0, before)
            x = np.ones(1_000_000, np.float32)
            for _ in range(3):
                assert (cyrelu.relu(x) == x).all()
            print(os.sched_getaffinity(0) == before)
        """
        unset = {"OMP_PROC_BIND": None, "OMP_PLACES": None, "GOMP_CPU_AFFINITY": None}
        finished = run_python(code, **(unset | variables))
        assert finished.stdout == f"{is_bound}\nTrue\n", finished.stderr

    @pytest.mark.parametrize("value", ["0", "-3", "many", "2.5", "99999"])
    def test_an_unusable_value_warns_and_is_ignored(self, value):
        code = """
            import warnings
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                import cyrelu
            [warning] = caught
            assert warning.category is RuntimeWarning
            print(warning.message)
            assert cyrelu.get_num_threads() >= 1
        """
        finished = run_python(code, CYRELU_NUM_THREADS=value)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.startswith(
            f"the environment variable CYRELU_NUM_THREADS is '{value}'; expected an integer"
        )

    @needs_openmp
    def test_threadpoolctl_limits_it(self):
        pytest.importorskip("threadpoolctl")
        code = """
            import cyrelu, threadpoolctl
            with threadpoolctl.threadpool_limits(1, user_api="openmp"):
                print(cyrelu.get_num_threads())
        """
        finished = run_python(code, CYRELU_NUM_THREADS="", OMP_NUM_THREADS="3")
        assert finished.stdout == "1\n", finished.stderr


class TestSameBits:
    @each_function_and_dtype
    @pytest.mark.parametrize("n", LARGE)
    def test_any_number_of_threads(self, case, dtype, n):
        operands = operands_for(case, dtype, n)
        with cyrelu.num_threads(1):
            expected = case.call(operands)
        for threads in (2, 3, 7):
            with cyrelu.num_threads(threads):
                guarded = np.full(n + 2, 7, dtype)
                case.call(operands, out=guarded[1:-1])
                assert_same_bits(guarded[1:-1], expected)
                assert guarded[0] == guarded[-1] == 7
                assert_same_bits(case.call_ufunc(operands), expected)

    @each_dtype
    @pytest.mark.parametrize("offset", [0, 1, 16, 100, 511, 512, 700, 1023])
    def test_a_team_writes_every_element_at_every_offset_of_out(self, dtype, offset):
        """Chunks end at page boundaries of out; the first one is shorter, the last must not be."""
        memory = np.full(4096 + 300_000 + 1024, 7, dtype)
        start = -memory.ctypes.data % 4096 // memory.itemsize + offset
        for n in (262_144, 299_000):
            memory[:] = 7
            with cyrelu.num_threads(3):
                cyrelu.relu(np.ones(n, dtype), out=memory[start : start + n])
            assert (memory[start : start + n] == 1).all()
            assert (memory[:start] == 7).all()
            assert (memory[start + n :] == 7).all()

    @each_function_and_dtype
    def test_in_place_strided_and_with_arrays_of_factors(self, case, dtype, threads):
        n = 400_001
        operands = operands_for(case, dtype, n)
        expected = case.call(operands)
        for name in case.arrays:
            own = {**operands, name: operands[name].copy()}
            assert_same_bits(case.call(own, out=own[name]), expected)
        backwards = {
            name: value[::-1] if name in case.arrays else np.full(n, value, dtype)
            for name, value in operands.items()
        }
        assert_same_bits(case.call(backwards)[::-1], expected)


@needs_openmp
@counts_threads
def test_a_team_is_used_above_the_threshold_and_not_after_a_stall():
    code = """
        import os, time, numpy as np, cyrelu
        from cyrelu import _testing
        def running():
            return len(os.listdir("/proc/self/task"))
        def becomes(count):
            "A call does not wait for threads that are late."
            end = time.monotonic() + 60
            while running() != count and time.monotonic() < end:
                cyrelu.relu(x)
            return running() == count
        x = np.ones(1_000_000, np.float32)
        cyrelu.set_num_threads(2)
        before = running()
        cyrelu.relu(x[:50_000])
        assert running() == before, "a small array starts no threads"
        with cyrelu.num_threads(1):
            cyrelu.relu(x)
        assert running() == before, "nor does a limit of 1"
        _testing.set_stall_policy(grace=0, rate=float("inf"), pause=600)
        assert not _testing.is_paused()
        cyrelu.relu(x)
        assert running() == before + 1, "a team of two"
        assert _testing.is_paused(), "any time is a stall under this policy"
        cyrelu.set_num_threads(5)
        for _ in range(100):
            cyrelu.relu(x)
        assert running() == before + 1, "no team in the pause"
        _testing.set_stall_policy(pause=0)
        assert becomes(before + 4), "a team of five after it"
    """
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr


@needs_openmp
@counts_threads
def test_a_call_that_finds_the_team_in_use_runs_alone():
    code = """
        import os, numpy as np, cyrelu
        from cyrelu import _testing
        def running():
            return len(os.listdir("/proc/self/task"))
        x = np.random.default_rng(0).standard_normal(1_000_000)
        expected = np.maximum(x, 0)
        cyrelu.set_num_threads(2)
        before = running()
        for _ in range(2):
            while not _testing.take_team():  # its threads may leave the last call late
                pass
            assert not _testing.take_team()
            alone = running()
            assert (cyrelu.relu(x) == expected).all()
            assert (cyrelu.relu(x[::-1])[::-1] == expected).all()
            assert running() == alone
            _testing.give_back_team()
            assert (cyrelu.relu(x) == expected).all()
            assert running() > before
    """
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr


# On one processor the calling thread could not go on before the other one stopped asking.
@needs_openmp
@pytest.mark.parametrize(
    "wait",
    [
        "_testing.wait_in_a_chunk(0.5)",
        "while not _testing.take_team(): pass\n        time.sleep(0.5)",
    ],
    ids=["at work", "about to post its job"],
)
def test_the_primary_thread_sleeps_while_the_calling_thread_does(wait):
    code = f"""
        import time, numpy as np, cyrelu
        from cyrelu import _testing
        cyrelu.set_num_threads(2)
        x = np.ones(1_000_000)
        cyrelu.relu(x, out=x)
        before = time.process_time()
        {wait}
        taken = time.process_time() - before
        assert taken < 0.1, taken
    """
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr


CALLERS = {
    "threads that come and go": """
        for _ in range(20):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
    """,
    "threads that stay": """
        done = threading.Event()
        def call_and_stay(called):
            call()
            called.set()
            done.wait()
        for _ in range(20):
            called = threading.Event()
            threading.Thread(target=call_and_stay, args=[called]).start()
            called.wait()
        before += 20
    """,
    "threads that call at once": """
        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """,
    "an executor": """
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(call) for _ in range(40)]:
                future.result()
    """,
}


@needs_openmp
@counts_threads
@pytest.mark.parametrize("action", CALLERS.values(), ids=CALLERS)
def test_the_process_has_at_most_limit_minus_one_helpers(action):
    code = f"""
        import concurrent.futures, os, threading, time, numpy as np, cyrelu
        from cyrelu import _testing
        def helpers():
            while not _testing.take_team():  # it starts threads while a call goes on without them
                pass
            time.sleep(0.1)  # for Python threads that have been joined to be gone
            running = len(os.listdir("/proc/self/task"))
            _testing.give_back_team()
            return running - before
        x = np.random.default_rng(0).standard_normal(500_000).astype(np.float32)
        expected = np.maximum(x, 0)
        cyrelu.set_num_threads(4)
        def call():
            for _ in range(3):
                assert (cyrelu.relu(x) == expected).all()
                assert (cyrelu.relu(x[::-1]) == expected[::-1]).all()
                assert (cyrelu.ufuncs.relu(x) == expected).all()
        before = len(os.listdir("/proc/self/task"))
{textwrap.indent(textwrap.dedent(action), " " * 8)}
        helpers = helpers()
        if "done" in globals():
            done.set()
        assert 1 <= helpers <= 3, helpers
        assert helpers == cyrelu.show_config("dicts")["threads"]["helper_threads"]
    """
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr


def test_workers_of_joblib_share_the_processors():
    pytest.importorskip("joblib")
    code = """
        import os, joblib, cyrelu
        def limit():
            return cyrelu.get_num_threads()
        share = max(1, joblib.cpu_count() // 2)
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(limit)() for _ in range(4)) == [share] * 4
    """
    finished = run_python(code, CYRELU_NUM_THREADS=None, OMP_NUM_THREADS=None)
    assert finished.returncode == 0, finished.stderr


def test_many_python_threads_at_once():
    """They share the input, have their own outputs, and the thread limit changes meanwhile."""
    x = sample(np.float32, 300_000)
    expected = cyrelu.leaky_relu(x)
    stop = threading.Event()

    def change_the_limit():
        while not stop.is_set():
            for n in (1, 2, 3):
                cyrelu.set_num_threads(n)

    def work(seed):
        for _ in range(20):
            assert_same_bits(cyrelu.leaky_relu(x), expected)
            assert_same_bits(cyrelu.leaky_relu(x[:100]), expected[:100])
        return seed

    changer = threading.Thread(target=change_the_limit)
    changer.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == list(range(8))
    finally:
        stop.set()
        changer.join()


QUOTAS = {
    "version 2": (
        {"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cpu.max": "150000 100000"},
        2,
    ),
    "version 2, no limit": (
        {"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cpu.max": "max 100000"},
        None,
    ),
    "version 2, a parent is tighter": (
        {
            "proc/self/cgroup": "0::/slice/job\n",
            "sys/fs/cgroup/slice/cpu.max": "100000 100000",
            "sys/fs/cgroup/slice/job/cpu.max": "800000 100000",
        },
        1,
    ),
    "version 2, inside a container": (
        {"proc/self/cgroup": "0::/../../elsewhere\n", "sys/fs/cgroup/cpu.max": "400000 100000"},
        4,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "5:memory:/job\n3:cpu,cpuacct:/job\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
        },
        3,
    ),
    "version 1, no limit": (
        {
            "proc/self/cgroup": "3:cpu,cpuacct:/job\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
        },
        None,
    ),
    "less than one processor": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "10000 100000"},
        1,
    ),
    "no cgroups": ({}, None),
    "unreadable": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "what"}, None),
}


@pytest.mark.parametrize(("files", "expected"), QUOTAS.values(), ids=QUOTAS)
def test_cpu_quota(tmp_path, files, expected):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert cpu_quota(tmp_path) == expected
