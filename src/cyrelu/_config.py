"""What this build is and how it runs here."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from cyrelu import _cpu, _dispatch, _kept_memory, _machine, _settings, _threads


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...
def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Show how cyrelu was built and what is in force in this process.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, default "stdout"
        Print it, or return it.

    Returns
    -------
    dict or None
        With ``mode="dicts"``, a dictionary of sections: ``cyrelu`` (version), ``build``
        (compiler, Cython, whether it is a debug build), ``openmp`` (the specification as
        yyyymm and its version, which library is the runtime; all None without OpenMP),
        ``instruction set`` (of the loops in use, and which others this build has for this
        machine), ``streaming`` (from which size on outputs are stored past the caches, None where
        they never are), ``kept memory`` (up to which size the memory of a large result is kept
        for the next one, None where the system does not provide for it), ``threads`` (the limit
        in force and what sets it), ``numpy`` (version at run time).

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
    from cyrelu import __version__

    config = {
        "cyrelu": {"version": __version__},
        "build": _machine.build_info(),
        "openmp": _threads.openmp_info(),
        "instruction set": {
            "in use": _dispatch.instruction_set,
            "available": _settings.instruction_sets(),
        },
        "streaming": {
            "outputs from bytes": _dispatch.streaming(),
            "last cache bytes": _cpu.last_cache_bytes(),
        },
        "kept memory": {"up to bytes": _kept_memory.keeping()},
        "threads": _threads.limits(),
        "numpy": {"version": np.__version__},
    }
    if mode == "dicts":
        return config
    for section, entries in config.items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")
    return None
