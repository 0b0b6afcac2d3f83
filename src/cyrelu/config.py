"""Run-time configuration: the limit of threads, and a report of all settings in effect."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, Self, SupportsIndex, TypeVar, overload

import numpy as np

from cyrelu._dispatch import dispatch, loop_modules, threads
from cyrelu._numpy import buffer_cache, limit_blocks
from cyrelu._platform import cpu, machine, settings
from cyrelu._version import __version__

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["empty_cache", "get_num_threads", "num_threads", "set_num_threads", "show_config"]


def get_num_threads() -> int:
    """Return the number of threads that a call may use now, in this context.

    Returns
    -------
    int
        The first of these that applies: the innermost `num_threads` block of this context; the last
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
    return threads.get_thread_limit(limit_blocks.get_context_limit())


def set_num_threads(n: SupportsIndex | None) -> None:
    """Set how many threads calls may use, for the whole process.

    Small arrays are worked on by one thread whatever the limit. Results are bit-identical for any
    limit.

    Parameters
    ----------
    n : int or None
        The limit, from 1 to 1024. None removes the one that was set before: the limit is then the
        one that it was at import.

    Raises
    ------
    TypeError
        If `n` is neither an integer nor None.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    num_threads : The same for one block of code.

    Examples
    --------
    >>> import cyrelu
    >>> cyrelu.set_num_threads(2)
    >>> cyrelu.get_num_threads()
    2
    >>> cyrelu.set_num_threads(None)
    """
    threads.set_process_limit(0 if n is None else _checked("set_num_threads", n))


class num_threads:
    """Limit the threads that calls may use, inside a ``with`` block.

    The limit takes precedence over `set_num_threads`. It belongs to the context that runs the block
    (a `contextvars.ContextVar`, as that of `numpy.errstate` does). Blocks nest; the same object may
    be entered again, and from several threads. As a decorator it limits each call of a function, or
    of a coroutine function.

    Parameters
    ----------
    n : int
        The limit, from 1 to 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer, or if the decorated object is no function, or one that yields.
    ValueError
        If `n` is below 1 or above 1024.

    See Also
    --------
    set_num_threads : The same for the whole process.

    Notes
    -----
    asyncio's tasks each see the blocks that they are in. `asyncio.to_thread` and a task that is
    created inside a block have a copy of its context, so the limit holds there, until the block is
    left. It does not hold in threads of an executor, nor in a thread that is started inside the
    block (unless ``sys.flags.thread_inherit_context`` is set, as it is in free-threaded Python). A
    generator that is suspended inside a block shows its limit to its caller.

    Code that runs without the GIL cannot ask for a context. The bare ufuncs, called directly, and
    the kernels for Cython follow the last block that the operating system's thread has entered and
    that has not been left.

    Examples
    --------
    >>> import cyrelu
    >>> with cyrelu.num_threads(1):
    ...     y = cyrelu.relu([-1.0, 2.0])
    >>> y
    array([0., 2.])
    >>> @cyrelu.num_threads(1)
    ... def limited():
    ...     return cyrelu.get_num_threads()
    >>> limited()
    1
    """

    def __init__(self, n: SupportsIndex) -> None:
        self._limit = _checked("num_threads", n)
        self._blocks: list[object] = []

    def __enter__(self) -> Self:
        limit_blocks.enter(self._blocks, self, self._limit)
        return self

    def __exit__(self, *exception: object) -> None:
        limit_blocks.leave(self._blocks, self)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"num_threads: it decorates functions, not {function!r}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"num_threads: {function!r} yields, and its body runs after the call; expected a "
                "function that does not, or use a with block inside of it"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def limited_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return limited_coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def limited(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return limited


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


def empty_cache() -> None:
    """Free the buffer that is kept for the next large result.

    The buffer of a freed result of 32 MiB or more is cached (``CYRELU_MAX_CACHED_BYTES``), because
    a new one takes longer than the computation. Where memory is short the kernel takes its pages
    back without this function. An allocation of cyrelu's own that fails empties the cache and is
    tried again, and nothing is cached while the address space is limited.

    See Also
    --------
    show_config : Shows how large the cached buffer is.

    Examples
    --------
    >>> import cyrelu
    >>> cyrelu.empty_cache()
    >>> cyrelu.show_config("dicts")["buffer_cache"]["cached_bytes"]
    0
    """
    buffer_cache.empty_cache()


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
        for reuse, None where the system does not provide for it, and of the one that is cached
        now), ``threads`` (the limit in force, everything that it may come from, and how many
        threads the team has beside the calling one), ``numpy`` (version at run time).

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
        "buffer_cache": {
            "max_cached_bytes": buffer_cache.get_max_cached_bytes(),
            "cached_bytes": buffer_cache.get_cached_bytes(),
        },
        "threads": threads.limits(limit_blocks.get_context_limit()),
        "numpy": {"version": np.__version__},
    }
    if mode == "dicts":
        return config
    for section, entries in config.items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")
    return None
