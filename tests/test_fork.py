"""Processes that fork: parent and child compute correctly, in time and with threads."""

import multiprocessing
import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest
from fresh_process import IN_A_THREAD, run_python
from openmp_libraries import OPENMP_LIBRARIES

import cyrelu

pytestmark = pytest.mark.thread_unsafe(reason="forks")

has_openmp = cyrelu.show_config("dicts")["openmp"]["specification"] is not None
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

START = """
    import os, threading, numpy as np, cyrelu
    from cyrelu import _testing
    _testing.set_stall_policy(pause=0)
    x = np.random.default_rng(0).standard_normal(2_000_000).astype(np.float32)
    cyrelu.set_num_threads(2)
    with cyrelu.num_threads(1):
        expected = cyrelu.leaky_relu(x)
    def works():
        return (cyrelu.leaky_relu(x) == expected).all()
    def threads_of_this_process():
        return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else None
    def forked(work):
        "Whether a child process did this work and exited normally."
        child = os.fork()
        if child == 0:
            done = False
            try:
                done = work()
            finally:
                os._exit(0 if done else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
FORKS = {
    "after threads were used": """
        assert works() and forked(works) and works() and cyrelu.get_num_threads() == 2
    """,
    "before threads were used": """
        assert forked(works) and works()
    """,
    "the child has its threads": """
        def has_threads():
            return works() and threads_of_this_process() in (None, {threads})
        assert works() and forked(has_threads)
    """,
    "twice, one after the other": """
        assert works() and forked(works) and works() and forked(works) and works()
    """,
    "twice without a call in between": """
        assert works() and forked(works) and forked(works) and works()
    """,
    "a child's child": """
        assert works() and forked(lambda: works() and forked(works) and works()) and works()
    """,
    "a child's child, the child without a call": """
        assert works() and forked(lambda: forked(works) and works())
    """,
    "from a thread that is not the main one": """
        assert works() and in_a_thread(lambda: works() and forked(works) and bool(works()))
        assert works() and forked(works)
    """,
    "from a thread without a call before": """
        assert works() and in_a_thread(lambda: forked(works) and bool(works())) and works()
    """,
    "a child that calls from a new thread": """
        assert works() and forked(lambda: in_a_thread(lambda: bool(works())) and works())
    """,
    "while other threads enter and leave blocks": """
        stop = threading.Event()
        def enter():
            while not stop.is_set():
                with cyrelu.num_threads(1):
                    pass
        def enters():
            with cyrelu.num_threads(1):
                return cyrelu.get_num_threads() == 1
        threads = [threading.Thread(target=enter) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(100):
                assert forked(enters)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert enters() and works()
    """,
    "while other threads are in calls": """
        stop = threading.Event()
        def call():
            while not stop.is_set():
                assert works()
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        try:
            for _ in range(20):
                assert works() and forked(works)
        finally:
            stop.set()
            for caller in callers:
                caller.join()
    """,
    "a pool of workers, one of which is replaced": """
        def serve():
            return all(in_a_thread(lambda: bool(works())) for _ in range(5)) and works()
        assert works()
        def worker():
            child = os.fork()
            if child == 0:
                os._exit(0 if serve() else 1)
            return child
        workers = [worker() for _ in range(3)]
        ended, status = os.wait()
        assert status == 0
        workers.append(worker())
        while workers := [child for child in workers if child != ended]:
            ended, status = os.wait()
            assert status == 0
    """,
}


@needs_fork
@pytest.mark.parametrize("action", FORKS.values(), ids=FORKS)
def test_a_fork(action):
    action = textwrap.dedent(action).replace("{threads}", "2" if has_openmp else "1")
    finished = run_python(IN_A_THREAD + textwrap.dedent(START) + action)
    assert finished.returncode == 0, finished.stderr


@needs_fork
def test_a_limit_of_threadpoolctl_applies_in_the_child():
    pytest.importorskip("threadpoolctl")
    if has_openmp and "gomp" not in cyrelu.show_config("dicts")["openmp"]["runtime"]:
        pytest.skip("LLVM's runtime forgets its limits in a forked child")
    action = """
        import threadpoolctl
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            assert forked(lambda: cyrelu.get_num_threads() == 1)
            assert cyrelu.get_num_threads() == 1
    """
    start = textwrap.dedent(START).replace("cyrelu.set_num_threads(2)", "")
    finished = run_python(start + textwrap.dedent(action), OMP_NUM_THREADS="2")
    assert finished.returncode == 0, finished.stderr


@needs_fork
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("library", OPENMP_LIBRARIES)
def test_a_fork_with_another_library(library, order):
    pytest.importorskip(library)
    start, other = textwrap.dedent(START), OPENMP_LIBRARIES[library]
    if order == "before":
        start = f"import {library}\n{start}\n{other}\nassert works()\n"
    else:
        start = f"{start}\nassert works()\n{other}\n"
    finished = run_python(f"{start}\nassert forked(works) and works() and forked(works)")
    assert finished.returncode == 0, finished.stderr


NEIGHBOUR = """
    import ctypes, sys
    neighbour = ctypes.CDLL(sys.argv[1])
    def begins():
        return neighbour.neighbour_write(3) == 3 and keeps()
    def keeps():
        return neighbour.neighbour_read(3) == 3
"""
NEIGHBOURS = {
    "beside an import of cyrelu": """
        assert begins() and forked(lambda: True) and keeps()
    """,
    "beside threads of cyrelu": """
        assert begins() and works() and forked(lambda: True) and keeps() and works() and keeps()
    """,
    "beside calls in the child": """
        assert begins() and works() and forked(works) and keeps() and works() and keeps()
    """,
    "beside calls from other threads": """
        assert in_a_thread(works) and begins() and in_a_thread(lambda: forked(works)) and keeps()
    """,
    "that begins in the child": """
        assert works() and forked(begins) and works()
        assert forked(lambda: works() and begins() and works() and keeps())
        assert forked(lambda: begins() and works() and keeps() and works())
        assert forked(lambda: in_a_thread(begins) and in_a_thread(works) and begins())
        assert begins() and works() and keeps()
    """,
}


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("compiles C")
    library = tmp_path_factory.mktemp("neighbour") / "neighbour.so"
    source = Path(__file__).with_name("neighbour.c")
    command = [compiler, "-shared", "-fPIC", "-fopenmp", str(source), "-o", str(library)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        assert source.exists()
        pytest.skip("compiles C with -fopenmp")
    return library


@needs_fork
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_neighbour_on_the_same_runtime(neighbour, name):
    """The parent's neighbours notice nothing of the fork; in the child they can begin."""
    code = "".join(map(textwrap.dedent, (IN_A_THREAD, START, NEIGHBOUR, NEIGHBOURS[name])))
    finished = run_python(code, arguments=[str(neighbour)])
    assert finished.returncode == 0, finished.stderr


def relu_sum(x):
    return float(cyrelu.relu(x).sum(dtype=np.float64))


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_multiprocessing(method):
    x = np.random.default_rng(0).standard_normal(400_000).astype(np.float32)
    with cyrelu.num_threads(2):
        expected = relu_sum(x)  # the parent has used its threads
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(relu_sum, [x] * 4).get(timeout=120) == [expected] * 4
