"""The loop modules: which ones this build has and this machine can run, and which is in use."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from cyrelu._platform import cpu, settings
from cyrelu._platform.instruction_sets import INSTRUCTION_SETS


def available() -> list[str]:
    """The instruction sets of this build that this machine can run, slowest first."""
    supported = cpu.supported_instruction_sets()
    return [name for name in built() if name in supported]


def built() -> list[str]:
    return [name for name in INSTRUCTION_SETS if importlib.util.find_spec(module_of(name))]


def chosen() -> str:
    """The instruction set to use: what CYRELU_ISA says, else the fastest that is available."""
    candidates = available()
    if not candidates:
        raise ImportError(
            f"cyrelu: this build needs a processor with {built()[0]}; build it from source for "
            "this machine"
            if built()
            else "cyrelu: this installation has no loops (cyrelu/_loops has no compiled module); "
            "install it again, or tell the program that packs it to include cyrelu._loops"
        )
    asked = settings.instruction_set()
    if asked and asked not in candidates:
        reason = (
            "is unknown"
            if asked not in INSTRUCTION_SETS
            else f"this {'machine' if asked in built() else 'build'} lacks"
        )
        raise ImportError(
            f"cyrelu: the environment variable CYRELU_ISA is {asked!r}, which {reason}; "
            f"expected one of {', '.join(candidates)}"
        )
    return asked or candidates[-1]


def load(name: str) -> Any:
    """The capsule of a loop module: only now is code of that instruction set run."""
    return importlib.import_module(module_of(name)).loop_module


def module_of(name: str) -> str:
    return f"cyrelu._loops.{INSTRUCTION_SETS[name].module}"
