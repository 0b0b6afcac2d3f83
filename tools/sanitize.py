"""Runs the test suite under sanitizers and valgrind.

    make sanitize                           all checks
    make sanitize CHECKS="address thread"   only these
    python tools/sanitize.py --help         what each check does

gcc, valgrind and LLVM's OpenMP runtime are needed (Debian: gcc, valgrind, libomp-dev). Reports go
to build/sanitize/; the last line of each check says what ran. Exits with 1 after any finding.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
SUPPRESSIONS = ROOT / "tools/suppressions"
REPORTS = ROOT / "build/sanitize"
OUR_FRAME = re.compile(r"src/cyrelu/[\w/]+\.c:\d+")  # in a stack trace

# -fno-wrapv: most Pythons pass -fwrapv, with which no integer overflow would be reported.
# -fno-sanitize-recover: undefined behaviour ends the process, so that it cannot be missed.
# Without hardening, and without that which a compiler adds by itself: sanitizers intercept memcpy
# and its like, not the fortified variants.
FLAGS = "-fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -fno-wrapv -U_FORTIFY_SOURCE"
BUILDS = {  # in build/NAME: the sanitizers, and whether with OpenMP
    "address": ("address,undefined", "auto"),
    "thread": ("thread", "require"),
    "thread-serial": ("thread", "off"),
}

# Python's own allocator would hide the ends of memory blocks from every tool.
COMMON = {"PYTHONMALLOC": "malloc"}


@dataclass
class Run:
    """One pass of pytest, and where its tools write what they find."""

    name: str
    tool: str
    build: str | None  # build/NAME; None for the build in the virtual environment
    tests: list[str]
    preloaded: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    wrapper: list[str] = field(default_factory=list)
    splits_into: str | None = None  # reports; None: every file is one
    ours_only: bool = False  # whether only reports with a frame of cyrelu count


def logs(name: str) -> str:
    return f"log_path={REPORTS / name / 'report'}"


def address() -> list[Run]:
    """Accesses out of bounds or after free, and undefined behaviour: the whole suite."""
    # The suite requests more memory than there is, and writes to a file on a full disk.
    # test_refcounts measures the memory in use, which without Python's own allocator grows long
    # after the first calls, while Python's free lists of tuples fill. The next check finds leaks.
    # Limits of address space and memory meet AddressSanitizer's own first.
    limits = "limit_of_the_address_space or an_allocation_that_fails or limit_of_a_container"
    provoked = "allocator_may_return_null=1:handle_sigbus=0"
    return [
        Run(
            name="address",
            tool="AddressSanitizer and UndefinedBehaviorSanitizer",
            build="address",
            tests=["-k", f"not (test_refcounts or test_resource_limits or {limits})"],
            preloaded=[runtime("libasan.so"), runtime("libubsan.so")],
            environment={
                "ASAN_OPTIONS": f"detect_leaks=0:abort_on_error=1:{provoked}:{logs('address')}",
                "UBSAN_OPTIONS": f"print_stacktrace=1:{logs('address')}",
            },
        )
    ]


def leaks() -> list[Run]:
    """Memory that cyrelu has allocated and that is unreachable at the end."""
    # Python and NumPy leak memory of their own, which differs with each version, so only reports
    # with cyrelu in the stack trace count. Only slow unwinding gets through Python, which has no
    # frame pointers, so only the tests run that reach every line that allocates.
    options = "detect_leaks=1:abort_on_error=1:exitcode=0:allocator_may_return_null=1"
    slow = "fast_unwind_on_malloc=0:malloc_context_size=20"
    return [
        Run(
            name="leaks",
            tool="LeakSanitizer",
            build="address",
            tests=["tests/test_errors.py", "tests/test_ufuncs.py", "tests/test_strided.py"],
            preloaded=[runtime("libasan.so"), runtime("libubsan.so")],
            environment={
                "ASAN_OPTIONS": f"{options}:{slow}:{logs('leaks')}",
                "UBSAN_OPTIONS": f"print_stacktrace=1:{logs('leaks')}",
            },
            splits_into="\n\n",
            ours_only=True,
        )
    ]


# The tests that use threads, without the many that differ in layouts and lengths only. No forks:
# under ThreadSanitizer a child without the other threads may not start any.
THREADED = [
    *("tests/test_threads.py", "tests/test_strided.py", "tests/test_streaming.py"),
    *("tests/test_ecosystem.py", "-k", "not layout and not every_length and not fork"),
]


def thread() -> list[Run]:
    """Data races in OpenMP teams, and between Python threads that call at the same time."""
    # ThreadSanitizer cannot see the synchronisation in GNU's OpenMP runtime, and takes every
    # barrier for a race. LLVM's has GNU's entry points, too, and Archer reports its barriers.
    folder = llvm_openmp()
    archer = {"OMP_TOOL_LIBRARIES": str(folder / "libarcher.so"), "OMP_WAIT_POLICY": "passive"}
    suppressions = SUPPRESSIONS / "thread.txt"
    return [
        Run(
            name=name,
            tool=f"ThreadSanitizer, {about}",
            build=name,
            tests=THREADED,
            preloaded=[runtime("libtsan.so"), *openmp],
            environment={
                "TSAN_OPTIONS": f"exitcode=0:suppressions={suppressions}:{logs(name)}",
                **more,
            },
            splits_into="=" * 18 + "\n",
        )
        for name, about, openmp, more in [
            ("thread", "LLVM's OpenMP with Archer", [str(folder / "libomp.so")], archer),
            ("thread-serial", "without OpenMP", [], {}),
        ]
    ]


def valgrind() -> list[Run]:
    """Use of uninitialised memory, in the build that users get."""
    # valgrind is 30 times slower, so tests that differ only in layouts and lengths are left
    # out. It has no AVX-512, so cyrelu chooses x86-64-v3; without AVX the streaming code differs.
    tests = ["tests/test_streaming.py", "tests/test_strided.py"]
    tests += ["-k", "not every_length and not every_layout"]
    return [
        Run(
            name=name,
            tool=f"valgrind, {isa}",
            build=None,
            tests=selection,
            environment={"CYRELU_ISA": isa},
            wrapper=[
                *("valgrind", "--quiet", "--num-callers=25"),
                f"--log-file={REPORTS / name}/report.%p",
                f"--suppressions={SUPPRESSIONS / 'valgrind.txt'}",
            ],
            splits_into="== \n",
        )
        for name, isa, selection in [
            ("valgrind-v3", "x86-64-v3", tests),
            ("valgrind-v2", "x86-64-v2", [tests[0], "-k", "strided or threads"]),
        ]
    ]


CHECKS: dict[str, Callable[[], list[Run]]] = {
    "address": address,
    "leaks": leaks,
    "thread": thread,
    "valgrind": valgrind,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    about = "; ".join(f"{name}: {check.__doc__}" for name, check in CHECKS.items())
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=about)
    chosen = parser.parse_args().checks or list(CHECKS)
    if unknown := set(chosen) - set(CHECKS):
        parser.error(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    clean = [is_clean(run) for name in chosen for run in CHECKS[name]()]
    return 0 if all(clean) else 1


def is_clean(run: Run) -> bool:
    """Run it and print the line that says what ran and how many findings there are."""
    folder = REPORTS / run.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if run.build:
        subprocess.run(
            ["make", f"build/{run.build}/installed"],
            cwd=ROOT,
            env={**os.environ, **build_environment(run.build)},
            check=True,
        )
    junit = folder / "tests.xml"
    environment = {**os.environ, **COMMON, **run.environment}
    if run.build:
        # An absolute path, also for child processes in other folders.
        environment["PYTHONPATH"] = str(ROOT / "build" / run.build)
    if run.preloaded:
        environment["LD_PRELOAD"] = " ".join(run.preloaded)
    start = time.monotonic()
    finished = subprocess.run(
        [
            *run.wrapper,
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            # With AddressSanitizer, UndefinedBehaviorSanitizer writes to the terminal, whatever
            # its options are, and ends the process, so pytest must not capture that output.
            *("--capture=sys", f"--junit-xml={junit}", *run.tests),
        ],
        cwd=ROOT,
        env=environment,
    )
    seconds = time.monotonic() - start
    found = reports(run)
    for report in found:
        print(report, file=sys.stderr)
    tests = "the tests ended early"
    if junit.exists():
        suite = ElementTree.parse(junit).getroot()[0]
        tests = f"{suite.get('tests')} tests, {suite.get('skipped')} of them skipped"
    verdict = f"{len(found)} findings" if found else "no findings"
    if finished.returncode:
        verdict += f", pytest's exit status is {finished.returncode}"
    print(f"{run.name}: {tests}; {run.tool}; {seconds:.0f} s: {verdict}", flush=True)
    return not found and finished.returncode == 0


def build_environment(build: str) -> dict[str, str]:
    sanitizers, openmp = BUILDS[build]
    return {
        "CFLAGS": f"-fsanitize={sanitizers} {FLAGS}",
        "LDFLAGS": f"-fsanitize={sanitizers}",
        "CYRELU_OPENMP": openmp,
        "CYRELU_HARDENING": "off",
    }


def reports(run: Run) -> list[str]:
    """The reports of the tools that count as findings."""
    found = []
    for path in sorted((REPORTS / run.name).glob("report.*")):
        text = path.read_text(errors="replace").strip()
        found += text.split(run.splits_into) if run.splits_into else [text]
    if run.ours_only:
        found = [report for report in found if OUR_FRAME.search(report)]
    return [report for report in found if " at 0x" in report or "#0 " in report]


def runtime(library: str) -> str:
    """The path of the runtime library of a sanitizer in gcc."""
    command = ["gcc", f"-print-file-name={library}"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if path == library:
        sys.exit(f"cyrelu: gcc has no {library}")
    return path


def llvm_openmp() -> Path:
    """The folder of LLVM's OpenMP runtime and of Archer, the newest one."""
    folders = {path.parent for path in Path("/usr/lib").glob("llvm-*/lib/libarcher.so")}
    if not folders:
        sys.exit("cyrelu: LLVM's OpenMP runtime with libarcher.so is needed (Debian: libomp-dev)")
    return max(folders, key=lambda folder: int(folder.parent.name.removeprefix("llvm-")))


if __name__ == "__main__":
    sys.exit(main())
