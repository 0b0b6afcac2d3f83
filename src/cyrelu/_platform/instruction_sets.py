"""The registry of instruction sets: each that the loops are compiled for is declared here, once.

Building (setup.py), run time, tools and tests read it. A set also needs its module: a file of
cyrelu/_loops that includes baseline.pyx. This file imports nothing of cyrelu: setup.py reads it
before there is anything to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

EAX, EBX, ECX = range(3)
OSXSAVE = (1, ECX, 27)  # the operating system saves registers by XSAVE, and xgetbv says which


class InstructionSet(NamedTuple):  # not a dataclass, which takes a millisecond to import and make
    """Loops for an instruction set: how they are compiled, and what a machine needs to run them."""

    name: str  # as in CYRELU_ISA
    architecture: str | None = None  # "x86-64" or "aarch64"; None: any
    parent: str | None = None  # the set that it extends: a machine needs what that needs, too
    replaces: str | None = None  # the set that is not built where this one can be
    flags: Mapping[str, list[str]] = MappingProxyType({})  # by kind of compiler
    macro: str | None = None  # which compilers define where the flags took effect
    vector_bytes: int = 16  # the least width to which the compiler has to vectorise
    cpuid: tuple[tuple[int, int, int], ...] = ()  # bits of x86: leaf, register, bit
    xcr0: int = 0  # the register state that the operating system has to save, as xgetbv reports
    hwcap: int = 0  # bits of AT_HWCAP: Linux describes an Arm processor so, other systems do not

    @property
    def module(self) -> str:
        return self.name.replace("-", "_").replace(".", "_")


# Slowest first. The levels of x86-64 are those of its psABI, "Micro-Architecture Levels"; the bits
# are named after Intel's and AMD's manuals.
_ALL = [
    InstructionSet("baseline"),
    InstructionSet(
        "x86-64-v2",
        "x86-64",
        parent="baseline",
        replaces="baseline",  # NumPy's own wheels need it, too
        flags={"unix": ["-march=x86-64-v2"]},
        macro="__SSE4_2__",
        cpuid=(
            (1, ECX, 0),  # SSE3
            (1, ECX, 9),  # SSSE3
            (1, ECX, 13),  # CMPXCHG16B
            (1, ECX, 19),  # SSE4.1
            (1, ECX, 20),  # SSE4.2
            (1, ECX, 23),  # POPCNT
            (0x80000001, ECX, 0),  # LAHF
        ),
    ),
    InstructionSet(
        "x86-64-v3",
        "x86-64",
        parent="x86-64-v2",
        flags={"unix": ["-march=x86-64-v3"], "msvc": ["/arch:AVX2"]},
        macro="__AVX2__",
        vector_bytes=32,
        cpuid=(
            (1, ECX, 12),  # FMA
            (1, ECX, 22),  # MOVBE
            OSXSAVE,
            (1, ECX, 28),  # AVX
            (1, ECX, 29),  # F16C
            (7, EBX, 3),  # BMI1
            (7, EBX, 5),  # AVX2
            (7, EBX, 8),  # BMI2
            (0x80000001, ECX, 5),  # LZCNT
        ),
        xcr0=0x6,  # SSE, AVX
    ),
    InstructionSet(
        "x86-64-v4",
        "x86-64",
        parent="x86-64-v3",
        flags={"unix": ["-march=x86-64-v4"], "msvc": ["/arch:AVX512"]},
        macro="__AVX512VL__",
        vector_bytes=32,  # gcc itself avoids 64 where it may
        cpuid=(
            (7, EBX, 16),  # AVX512F
            (7, EBX, 17),  # AVX512DQ
            (7, EBX, 28),  # AVX512CD
            (7, EBX, 30),  # AVX512BW
            (7, EBX, 31),  # AVX512VL
        ),
        xcr0=0xE6,  # and AVX-512's masks and two halves
    ),
]
INSTRUCTION_SETS = {each.name: each for each in _ALL}
