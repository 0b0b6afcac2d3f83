"""The import: strict settings of the interpreter, odd files and variables, what it loads.

Nothing that is optional, such as a quota or a setting, may make it fail.
"""

import importlib.metadata
import importlib.util
import os
import pkgutil
import runpy
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from fresh_process import run_python
from hypothesis import HealthCheck, given, settings

import cyrelu
from cyrelu._platform import cgroups, cpu
from cyrelu._platform import settings as cyrelus_settings
from cyrelu._platform.cgroups import cpu_quota

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, changes files and variables")

SITE = os.pathsep.join({str(Path(module.__file__).parents[1]) for module in (cyrelu, np)})
STRICT = ["-W", "error", "-X", "warn_default_encoding"]
INTERPRETERS = {
    "every warning is an error": STRICT,
    "development mode": ["-X", "dev", *STRICT],
    "isolated from the environment and the user": ["-I", *STRICT],
    "no docstrings, no assertions": ["-OO", *STRICT],
    "no site": ["-S", *STRICT],
    "no bytecode, UTF-8 mode": ["-B", "-X", "utf8", *STRICT],
    "the C locale": ["-X", "utf8=0", *STRICT],
    "bytes are not strings": ["-bb", *STRICT],
}


@pytest.mark.parametrize("options", INTERPRETERS.values(), ids=INTERPRETERS)
def test_the_interpreter_may_be_strict(options):
    """NumPy is imported first, and without that strictness: its own warnings are not ours."""
    code = f"""
import sys, warnings
sys.path[:0] = {SITE.split(os.pathsep)!r}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import numpy
import cyrelu
cyrelu.relu(numpy.ones(3), out=numpy.ones(3)), cyrelu.leaky_relu([-1, 2])
cyrelu.show_config()
"""
    finished = subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


# ---- files of control groups; test_threads.py has those that are as they should be

ROOT_GROUP = {"proc/self/cgroup": b"0::/\n"}
ODD_FILES = {
    "no colons": {"proc/self/cgroup": b"nothing of the kind\n"},
    "one colon": {"proc/self/cgroup": b"0:cpu\n"},
    "empty": {"proc/self/cgroup": b""},
    "empty lines": {"proc/self/cgroup": b"\n\n \n"},
    "not UTF-8": {"proc/self/cgroup": b"0::/\xff\xfe\n1:\x80:\xc3\n"},
    "a NUL": {"proc/self/cgroup": b"0::/a\0b\n"},
    "a path that is too long": {"proc/self/cgroup": b"0::/" + b"x" * 5000},
    "a folder instead of the list": {"proc/self/cgroup/file": b""},
    "a folder instead of a quota": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max/file": b""},
    "a quota that is not UTF-8": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"\xff\xfe 100000"},
    "an empty quota": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b""},
    "one number": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"100000"},
    "three numbers": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"1 2 3"},
    "a period of zero": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"100000 0"},
    "a negative period": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"100000 -1"},
    "infinity": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"inf 100000"},
    "not a number": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"nan nan"},
    "more than a C int": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"2147483648 1"},
    "more than a double": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"9" * 400 + b" 1"},
    "more digits than Python reads": {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"9" * 9999 + b" 1"},
}


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize("files", ODD_FILES.values(), ids=ODD_FILES)
def test_odd_files_grant_all_processors(tmp_path, files):
    write(tmp_path, files)
    assert cpu_quota(tmp_path) is None


def test_an_odd_line_does_not_hide_the_others(tmp_path):
    lines = b"\n\xff\n0:cpu\n3:cpu,cpuacct:/\xe9t\xe9\n0::/nowhere\n"
    group = os.fsencode(tmp_path) + b"/sys/fs/cgroup/cpu,cpuacct/\xe9t\xe9"
    try:
        os.makedirs(group)  # noqa: PTH103  # pathlib takes no bytes
    except OSError:
        pytest.skip("the file system takes no names that are not UTF-8")
    Path(os.fsdecode(group), "cpu.cfs_quota_us").write_bytes(b"250000\n")
    Path(os.fsdecode(group), "cpu.cfs_period_us").write_bytes(b"100000\n")
    write(tmp_path, {"proc/self/cgroup": lines})
    assert cpu_quota(tmp_path) == 3


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    write(tmp_path, {**ROOT_GROUP, "sys/fs/cgroup/cpu.max": b"100000 100000"})
    assert cpu_quota(tmp_path) == 1

    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    for name in ("builtins.open", "io.open"):
        monkeypatch.setattr(name, refuse)
    assert cpu_quota(tmp_path) is None


contents = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"0", b"3", b":", b"cpu", b",", b"/", b"..", b"a", b"\n", b"\xff", b" ", b"9"])
    | st.integers().map(lambda n: b"%d" % n)
).map(b"".join)


@given(groups=contents, quota=contents, period=contents)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_files_make_the_quota_raise(tmp_path, groups, quota, period):
    """Whatever is read, the answer is a number of threads, as C's int can hold, or none."""
    given_files = {"proc/self/cgroup": groups, "cpu.max": quota, "cpu.cfs_quota_us": quota}

    def read(path):
        name = os.fsdecode(path).replace(os.sep, "/")
        found = [content for end, content in given_files.items() if name.endswith(end)]
        return found[0] if found else period

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cgroups, "_read", read)
        answer = cpu_quota(tmp_path)
    assert answer is None or 1 <= answer < 2**31


# ---- the processor's answers, and environment variables

registers = st.integers(0, 2**32 - 1)


@given(st.data())
def test_no_answer_of_a_processor_makes_the_settings_raise(data):
    def cpuid(leaf, subleaf):
        return data.draw(st.tuples(registers, registers, registers, registers))

    processor = cpu.Processor(cpuid, lambda: data.draw(registers), hwcap=2**64 - 1, has_cpuid=True)
    assert cpu.supported_instruction_sets(processor)[0] == "baseline"
    cache = cpu.last_level_cache_bytes(processor)
    assert cache is None or cache > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CYRELU_STREAM_BYTES", raising=False)
        patch.setattr(cyrelus_settings.cpu, "last_level_cache_bytes", lambda: cache)
        assert 0 < cyrelus_settings.stream_threshold_bytes() < 2**63


UNUSABLE = {
    "a word": b"many",
    "no number that Python reads": b"9" * 5000,
    "too large": b"99999999999999999999",
    "not UTF-8": b"\xff\xfe",
    "a fraction": b"1.5",
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no variables of bytes")
@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize(
    "name", ["CYRELU_NUM_THREADS", "CYRELU_STREAM_BYTES", "CYRELU_MAX_CACHED_BYTES"]
)
def test_an_unusable_variable_cannot_make_the_import_fail(name, value):
    """Not even where warnings are errors: then the message alone remains."""
    finished = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", "import cyrelu; print('imported')"],
        env={**os.environb, name.encode(): value},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.stdout == "imported\n", finished.stderr
    assert f"the environment variable {name} is " in finished.stderr
    assert len(finished.stderr) < 1000


def test_the_import_leaves_the_floating_point_environment_alone():
    """A library that is linked with -ffast-math makes its process flush subnormals to zero."""
    code = """
        import sys, threading
        import numpy as np

        def kept():
            return [
                sys.float_info.min / 2 > 0,
                5e-324 > 0,
                np.float32(1e-38) / np.float32(4) > 0,
                1 + 2**-53 == 1 < 1 + 1.5 * 2**-53,
            ]

        kinds = [kept()]
        import cyrelu, cyrelu.kernels, cyrelu._testing
        kinds.append(kept())
        cyrelu.relu(np.ones(1_000_000))
        kinds.append(kept())
        thread = threading.Thread(target=lambda: kinds.append(kept()))
        thread.start()
        thread.join()
        assert all(kind == [True] * 4 for kind in kinds), kinds
    """
    finished = run_python(code, CYRELU_NUM_THREADS="2")
    assert finished.returncode == 0, finished.stderr


def test_the_import_loads_little_of_the_standard_library():
    """Each of these takes a millisecond or more, and NumPy does not load it."""
    slow = ["pathlib", "dataclasses", "urllib.parse", "asyncio", "ctypes", "subprocess"]
    code = f"""
        import sys
        import numpy
        before = set(sys.modules)
        import cyrelu
        print(*sorted(set({slow}) & (set(sys.modules) - before)))
    """
    assert run_python(code).stdout.split() == []


def test_the_hook_of_pyinstaller_names_every_compiled_module():
    """What compiled modules import is hidden from PyInstaller; tests/frozen freezes programs."""
    entries = importlib.metadata.entry_points(group="pyinstaller40")
    [hooks] = {each.value: each for each in entries if each.value.startswith("cyrelu")}.values()
    [folder] = hooks.load()()
    named = runpy.run_path(str(Path(folder, "hook-cyrelu.py")))["hiddenimports"]
    specs = [
        importlib.util.find_spec(each.name)
        for each in pkgutil.walk_packages(cyrelu.__path__, "cyrelu.")
        if each.name != "cyrelu._pyinstaller.hook-cyrelu"
    ]
    compiled = {spec.name for spec in specs if spec.origin.endswith(tuple(EXTENSION_SUFFIXES))} - {
        "cyrelu._testing"
    }
    assert "cyrelu._numpy.api" in compiled
    assert compiled <= set(named)
    assert set(named) <= {"cyrelu", *(spec.name for spec in specs)}
