"""What the environment variables and the processor decide, once, at import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from typing import Any

from cyrelu import _cpu

MAX_THREADS = 1024  # libgomp ends the whole process when it cannot start a thread

# The loop modules, slowest first.
LOOPS = {
    "baseline": "cyrelu._loops_baseline",
    "x86-64-v2": "cyrelu._loops_v2",
    "x86-64-v3": "cyrelu._loops_v3",
    "x86-64-v4": "cyrelu._loops_v4",
}

# Streaming pays where out does not fit the last cache beside what else is there. Virtual machines
# report caches that they share with strangers: above 32 MiB it paid on all that were measured,
# also when out is read straight afterwards (benchmarks/NOTES.md).
MIN_STREAM_BYTES, MAX_STREAM_BYTES = 4 << 20, 32 << 20
MAX_READ_AHEAD_BYTES = 128 << 20  # for the same reason
MAX_KEPT_BYTES = 1 << 30


def allow_other_openmp_runtimes() -> None:
    """Before the OpenMP runtime starts: on macOS it would not suffer another one.

    Wheels bring LLVM's along, and so do PyTorch's and scikit-learn's; the second one to start would
    end the process ("OMP: Error #15"). scikit-learn sets this, too. The danger that the runtime
    warns of is a team within another's: inside of cyrelu's nothing else is called.
    """
    if sys.platform == "darwin":
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")


def num_threads() -> int | None:
    return _integer("CYRELU_NUM_THREADS", 1, MAX_THREADS)


def stream_bytes() -> int:
    """From how many bytes on an output is streamed."""
    asked = _integer("CYRELU_STREAM_BYTES", 0, 2**63 - 1)
    if asked is not None:
        return asked
    cache = _cpu.last_cache_bytes()
    if cache is None:
        return MAX_STREAM_BYTES
    return min(max(cache * 3 // 4, MIN_STREAM_BYTES), MAX_STREAM_BYTES)


def keep_bytes() -> int:
    """Up to how many bytes the memory of a result is kept for the next one."""
    asked = _integer("CYRELU_KEEP_BYTES", 0, 2**63 - 1)
    return MAX_KEPT_BYTES if asked is None else asked


def read_ahead_bytes() -> int:
    """From how many bytes on, read and written, a call reads ahead: what the caches cannot hold."""
    return min(_cpu.last_cache_bytes() or MAX_READ_AHEAD_BYTES, MAX_READ_AHEAD_BYTES)


def instruction_set() -> str:
    """The level of the loops to use: what CYRELU_ISA says, else the fastest that runs here."""
    available = instruction_sets()
    if not available:
        raise ImportError(
            f"cyrelu: this build needs a processor with {_built()[0]}; build it from source for "
            "this machine"
        )
    asked = os.environ.get("CYRELU_ISA", "").strip()
    if asked and asked not in available:
        reason = (
            "is unknown"
            if asked not in LOOPS
            else f"this {'machine' if asked in _built() else 'build'} lacks"
        )
        raise ImportError(
            f"cyrelu: the environment variable CYRELU_ISA is {asked!r}, which {reason}; "
            f"expected one of {', '.join(available)}"
        )
    return asked or available[-1]


def instruction_sets() -> list[str]:
    """The levels that this build has and this machine can run, slowest first."""
    runnable = ["baseline", *_cpu.levels()]
    return [level for level in _built() if level in runnable]


def load_loops(level: str) -> Any:
    """The capsule of a loop module: only now is code of that level run."""
    return importlib.import_module(LOOPS[level]).loops


def _built() -> list[str]:
    return [level for level, module in LOOPS.items() if importlib.util.find_spec(module)]


def _integer(name: str, low: int, high: int) -> int | None:
    """The variable as an integer; None without it, and, with a warning, where it is unusable."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if low <= value <= high:
        return value
    warnings.warn(
        f"the environment variable {name} is {text!r}; expected an integer from {low} to {high}; "
        "it is ignored",
        RuntimeWarning,
        stacklevel=2,
    )
    return None
