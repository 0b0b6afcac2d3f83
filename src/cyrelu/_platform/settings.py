"""Settings: what the environment variables and the caches of the machine decide, at import."""

from __future__ import annotations

import os
import re
import sys
import warnings

from cyrelu._platform import cpu

MAX_THREADS = 1024  # libgomp ends the whole process when it cannot start a thread

# Streaming pays where the output exceeds the last-level cache (LLC) beside what else is in it.
# Virtual machines report an LLC that they share with other tenants: above 32 MiB streaming paid on
# all that were measured, also when the output is read straight afterwards (benchmarks/NOTES.md).
MIN_STREAM_BYTES, MAX_STREAM_BYTES = 4 << 20, 32 << 20
DEFAULT_MAX_CACHED_BYTES = 1 << 30


def allow_other_openmp_runtimes() -> None:
    """Before the OpenMP runtime starts: on macOS, libomp aborts if a second copy is loaded.

    Our wheels bundle LLVM's runtime, as PyTorch's and scikit-learn's do; the second one to start
    would end the process ("OMP: Error #15"). scikit-learn sets this variable, too. The runtime
    warns of teams nested in one another: within cyrelu's teams nothing else is called.
    """
    if sys.platform == "darwin":
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")


def num_threads() -> int | None:
    return _integer("CYRELU_NUM_THREADS", 1, MAX_THREADS)


def openmp_stack_bytes() -> int:
    """The stack of each thread that OpenMP starts, as its variables say; 0 for the system's own."""
    for name in ("OMP_STACKSIZE", "GOMP_STACKSIZE"):
        found = re.fullmatch(r"\s*(\d{1,12})\s*([BKMG]?)\s*", os.environ.get(name, ""), re.I)
        if found:
            return int(found[1]) << {"B": 0, "": 10, "K": 10, "M": 20, "G": 30}[found[2].upper()]
    return 0


def instruction_set() -> str:
    """The name that CYRELU_ISA gives; empty where it gives none."""
    return os.environ.get("CYRELU_ISA", "").strip()


def stream_threshold_bytes() -> int:
    """The size of the smallest output that is written by streaming stores."""
    asked = _integer("CYRELU_STREAM_BYTES", 0, 2**63 - 1)
    if asked is not None:
        return asked
    cache = cpu.last_level_cache_bytes()
    if cache is None:
        return MAX_STREAM_BYTES
    return min(max(cache * 3 // 4, MIN_STREAM_BYTES), MAX_STREAM_BYTES)


def max_cached_bytes() -> int:
    """The size of the largest freed buffer of a result that is cached for reuse."""
    asked = _integer("CYRELU_MAX_CACHED_BYTES", 0, 2**63 - 1)
    return DEFAULT_MAX_CACHED_BYTES if asked is None else asked


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
    shown = text if len(text) < 100 else f"{text[:100]}..."
    message = (
        f"the environment variable {name} is {shown!r}; expected an integer from {low} to {high}; "
        "it is ignored"
    )
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    except RuntimeWarning:  # python -W error: no setting may make the import fail
        print(f"cyrelu: {message}", file=sys.stderr)
    return None
