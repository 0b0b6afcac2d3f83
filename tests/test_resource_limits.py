"""Where threads cannot be started, calls use those that there are; OpenMP would end the process."""

import textwrap

import pytest
from control_groups import control_group
from fresh_process import run_python

import cyrelu
from cyrelu._platform import settings

pytest.importorskip("resource", reason="needs limits of POSIX")
pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

has_openmp = cyrelu.show_config("dicts")["openmp"]["specification"] is not None

START = """
    import os, resource, sys, threading, time, numpy as np, cyrelu
    from cyrelu import _testing
    _testing.set_stall_policy(pause=0)
    x = np.random.default_rng(0).standard_normal(1_000_000)
    out, expected = np.empty_like(x), np.maximum(x, 0)
    equal = np.empty(x.shape, bool)  # np.array_equal would need memory
    cyrelu.set_num_threads(8)
    def works():
        cyrelu.relu(x, out=out)
        done = np.equal(out, expected, out=equal).all()
        cyrelu.relu(x[::-1], out=out)
        done &= np.equal(out, expected[::-1], out=equal).all()
        cyrelu.ufuncs.relu(x, out=out)
        return done and np.equal(out, expected, out=equal).all()
    def helpers():
        return cyrelu.show_config("dicts")["threads"]["helper_threads"]
    def becomes(count):
        end = time.monotonic() + 60
        while helpers() != count and time.monotonic() < end:
            assert works()
        return helpers() == count
    def leave(limit, room):
        "Lower a limit so that so much is left; what is used is measured where it is not known."
        if limit == resource.RLIMIT_AS:
            with open("/proc/self/statm") as statm:
                room += int(statm.read().split()[0]) * resource.getpagesize()
        elif os.getuid() == 0:  # the superuser has no such limit
            os.setgroups([])
            os.setgid(54321)
            os.setuid(54321)
            room += TASKS
        resource.setrlimit(limit, (room, resource.getrlimit(limit)[1]))
    TASKS = len(os.listdir("/proc/self/task"))
    MiB = 1 << 20
    def is_reached():
        try:
            thread = threading.Thread(target=int)
            thread.start()
        except RuntimeError:
            return True
        thread.join()
        return False
"""
LIMITS = {
    "address space, none left": """
        leave(resource.RLIMIT_AS, 1 * MiB)
        assert is_reached() and works() and helpers() == 0
    """,
    "address space, one stack left": """
        leave(resource.RLIMIT_AS, 12 * MiB)
        assert works() and works() and helpers() <= 1
    """,
    "address space, less than OpenMP's stacks": """
        leave(resource.RLIMIT_AS, 200 * MiB)
        assert becomes(1) and works()
    """,
    "address space, when the team grows": """
        cyrelu.set_num_threads(2)
        assert becomes(1)
        leave(resource.RLIMIT_AS, 1 * MiB)
        cyrelu.set_num_threads(8)
        assert works() and works() and helpers() == 1
    """,
    "address space, for another calling thread": """
        assert becomes(7)
        done = []
        def call():
            called.wait()
            done.append(works())
        called = threading.Event()
        thread = threading.Thread(target=call)
        thread.start()
        leave(resource.RLIMIT_AS, 1 * MiB)
        called.set()
        thread.join()
        assert done == [True] and works()
    """,
    "processes, none left": """
        leave(resource.RLIMIT_NPROC, 0)
        assert is_reached() and works() and helpers() == 0
    """,
    "processes, three left": """
        leave(resource.RLIMIT_NPROC, 3)
        assert works() and works() and helpers() <= 3
    """,
    "processes, lifted later": """
        leave(resource.RLIMIT_NPROC, 0)
        assert works() and helpers() == 0
        unlimited = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        resource.setrlimit(resource.RLIMIT_NPROC, (unlimited, unlimited))
        assert becomes(7)
    """,
    "processes, in a forked child": """
        assert becomes(7)
        child = os.fork()
        if child == 0:
            TASKS = 1
            leave(resource.RLIMIT_NPROC, 0)
            os._exit(0 if works() and helpers() == 0 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    """,
}


@pytest.mark.skipif(not has_openmp, reason="built without OpenMP")
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_reached(name):
    code = 'if not os.path.exists("/proc/self/statm"): sys.exit("reads /proc")\n'
    code = textwrap.dedent(START) + code + textwrap.dedent(LIMITS[name])
    finished = run_python(
        code,
        OMP_STACKSIZE="256M" if "OpenMP's stacks" in name else None,
        OPENBLAS_NUM_THREADS="1",  # its threads would reserve address space at any time
        MALLOC_ARENA_MAX="1",
    )
    if "reads /proc" in finished.stderr:
        pytest.skip("reads /proc")
    assert finished.returncode == 0, finished.stderr


@pytest.mark.skipif(not has_openmp, reason="built without OpenMP")
@pytest.mark.parametrize("room", [0, 1, 3])
def test_a_limit_of_a_container(room):
    """The pids limit of a control group, which also holds for the superuser."""
    with control_group("pids", 0) as group:
        code = f"""
            from pathlib import Path
            group = Path({str(group)!r})
            (group / "cgroup.procs").write_text(str(os.getpid()))
            (group / "pids.max").write_text(str(TASKS + {room}))
            assert is_reached() == ({room} == 0)
            assert works() and works() and helpers() <= {room}
            (group / "pids.max").write_text("max")
            assert becomes(7)
        """
        finished = run_python(textwrap.dedent(START) + textwrap.dedent(code))
        assert finished.returncode == 0, finished.stderr


STACKS = {
    "": 0,
    "2048": 2048 << 10,
    " 512 k ": 512 << 10,
    "16M": 16 << 20,
    "1g": 1 << 30,
    "4096B": 4096,
    "much": 0,
    "-1": 0,
    "1.5M": 0,
}


@pytest.mark.parametrize("variable", ["OMP_STACKSIZE", "GOMP_STACKSIZE"])
@pytest.mark.parametrize(("text", "expected"), STACKS.items(), ids=repr)
def test_the_stack_size_of_openmp(monkeypatch, variable, text, expected):
    monkeypatch.delenv("OMP_STACKSIZE", raising=False)
    monkeypatch.setenv(variable, text)
    assert settings.openmp_stack_bytes() == expected
