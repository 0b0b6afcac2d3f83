"""Run-time configuration: the limit of threads, and a report of all settings in effect."""

from __future__ import annotations

import operator
from typing import Any, Literal, Self, SupportsIndex, overload

import numpy as np

from cyrelu._dispatch import dispatch, loop_modules, threads
from cyrelu._numpy import buffer_cache
from cyrelu._platform import cpu, machine, settings
from cyrelu._version import __version__

__all__ = ["get_num_threads", "num_threads", "set_num_threads", "show_config"]


def get_num_threads() -> int:
    """Return the number of threads that a call may use now, from this thread.

    Returns
    -------
    int
        The first of these that applies: the innermost `num_threads` block of this thread; the last
        `set_num_threads`; the environment variable ``CYRELU_NUM_THREADS`` as it was at import; the
        smaller of OpenMP's limit (``OMP_NUM_THREADS``, CPU affinity, ``threadpoolctl``) and the CPU
        quota of the control group (containers), rounded up.

    See Also
    --------
    set_num_threads, num_threads

    Examples
    --------
    >>> import cyrelu
    >>> with cyrelu.num_threads(1):
    ...     cyrelu.get_num_threads()
    1
    """
    return threads.get_thread_limit()


def set_num_threads(n: SupportsIndex) -> None:
    """Set how many threads calls may use, for the whole process.

    Small arrays are worked on by one thread whatever the limit. Results are bit-identical for any
    limit.

    Parameters
    ----------
    n : int
        The limit, from 1 to 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    num_threads : The same for one block of code and one thread.

    Examples
    --------
    >>> import cyrelu
    >>> cyrelu.set_num_threads(2)
    >>> cyrelu.get_num_threads()
    2
    """
    threads.set_process_limit(_checked("set_num_threads", n))


class num_threads:
    """Limit the threads that calls may use, inside a ``with`` block.

    The limit holds for the Python thread that runs the block and takes precedence over
    `set_num_threads`; other threads are not affected. Blocks nest; the same object may be entered
    again.

    Parameters
    ----------
    n : int
        The limit, from 1 to 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    set_num_threads : The same for the whole process.

    Examples
    --------
    >>> import cyrelu
    >>> with cyrelu.num_threads(1):
    ...     y = cyrelu.relu([-1.0, 2.0])
    >>> y
    array([0., 2.])
    """

    def __init__(self, n: SupportsIndex) -> None:
        self._limit = _checked("num_threads", n)
        self._outer: list[int] = []

    def __enter__(self) -> Self:
        self._outer.append(threads.replace_thread_local_limit(self._limit))
        return self

    def __exit__(self, *exception: object) -> None:
        threads.replace_thread_local_limit(self._outer.pop())


def _checked(function: str, n: SupportsIndex) -> int:
    """Return n as a thread count, or raise the error that says what was wrong with it."""
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(
            f"{function}: n is {n!r} of type {type(n).__name__}; expected an integer"
        ) from None
    if not 1 <= count <= settings.MAX_THREADS:
        raise ValueError(f"{function}: n is {count}; expected 1 to {settings.MAX_THREADS}")
    return count


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...
def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Show how cyrelu was built and which settings are in effect in this process.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, default "stdout"
        Print it, or return it.

    Returns
    -------
    dict or None
        With ``mode="dicts"``, a dictionary of sections: ``cyrelu`` (version), ``build``
        (compiler, Cython, whether it is a debug build), ``openmp`` (the specification as
        yyyymm and its version, the path of the runtime library; all None without OpenMP),
        ``instruction_set`` (of the loops in use, and which others this build has for this
        machine), ``streaming`` (the size in bytes of the smallest output that is written by
        streaming stores, None where none is, and the size of the last-level cache),
        ``buffer_cache`` (the size in bytes of the largest freed result buffer that is cached
        for reuse, None where the system does not provide for it), ``threads`` (the limit in
        force, everything that it may come from, and how many threads the team has beside the
        calling one), ``numpy`` (version at run time).

    Raises
    ------
    ValueError
        If `mode` is another word.

    See Also
    --------
    get_num_threads : The limit of threads alone.
    numpy.show_config : The same for NumPy.

    Examples
    --------
    >>> import cyrelu
    >>> cyrelu.show_config("dicts")["threads"]["limit"] == cyrelu.get_num_threads()
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"show_config: mode is {mode!r}; expected 'stdout' or 'dicts'")
    config = {
        "cyrelu": {"version": __version__},
        "build": machine.build_info(),
        "openmp": threads.openmp_info(),
        "instruction_set": {
            "in_use": dispatch.instruction_set,
            "available": loop_modules.available(),
        },
        "streaming": {
            "stream_threshold_bytes": dispatch.stream_threshold(),
            "last_level_cache_bytes": cpu.last_level_cache_bytes(),
        },
        "buffer_cache": {"max_cached_bytes": buffer_cache.get_max_cached_bytes()},
        "threads": threads.limits(),
        "numpy": {"version": np.__version__},
    }
    if mode == "dicts":
        return config
    for section, entries in config.items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")
    return None
