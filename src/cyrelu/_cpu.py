"""The processor: its level of the x86-64 instruction set, and its last cache."""

from __future__ import annotations

from collections.abc import Callable

from cyrelu import _machine

Cpuid = Callable[[int, int], tuple[int, int, int, int]]

EAX, EBX, ECX = range(3)

# What each level adds, as bits of (leaf, register): x86-64 psABI, "Micro-Architecture Levels";
# the bits after Intel's and AMD's manuals.
OSXSAVE = (1, ECX, 27)
FEATURES = {
    "x86-64-v2": [
        (1, ECX, 0),  # SSE3
        (1, ECX, 9),  # SSSE3
        (1, ECX, 13),  # CMPXCHG16B
        (1, ECX, 19),  # SSE4.1
        (1, ECX, 20),  # SSE4.2
        (1, ECX, 23),  # POPCNT
        (0x80000001, ECX, 0),  # LAHF
    ],
    "x86-64-v3": [
        (1, ECX, 12),  # FMA
        (1, ECX, 22),  # MOVBE
        OSXSAVE,
        (1, ECX, 28),  # AVX
        (1, ECX, 29),  # F16C
        (7, EBX, 3),  # BMI1
        (7, EBX, 5),  # AVX2
        (7, EBX, 8),  # BMI2
        (0x80000001, ECX, 5),  # LZCNT
    ],
    "x86-64-v4": [
        (7, EBX, 16),  # AVX512F
        (7, EBX, 17),  # AVX512DQ
        (7, EBX, 28),  # AVX512CD
        (7, EBX, 30),  # AVX512BW
        (7, EBX, 31),  # AVX512VL
    ],
}
# The registers that the operating system must save: SSE and AVX; AVX-512's masks and two halves.
SAVED_REGISTERS = {"x86-64-v2": 0, "x86-64-v3": 0x6, "x86-64-v4": 0xE6}


def levels(
    cpuid: Cpuid = _machine.cpuid,
    xgetbv: Callable[[], int] = _machine.xgetbv,
    has_cpuid: bool = _machine.has_cpuid,
) -> list[str]:
    """The levels that processor and operating system both support, lowest first."""
    if not has_cpuid:
        return []

    def has(feature: tuple[int, int, int]) -> bool:
        leaf, register, bit = feature
        return bool(cpuid(leaf, 0)[register] >> bit & 1)

    saved = xgetbv() if has(OSXSAVE) else 0
    supported = []
    for level, features in FEATURES.items():
        needed = SAVED_REGISTERS[level]
        if not all(map(has, features)) or saved & needed != needed:
            break
        supported.append(level)
    return supported


def last_cache_bytes(
    cpuid: Cpuid = _machine.cpuid, has_cpuid: bool = _machine.has_cpuid
) -> int | None:
    """The size of the largest cache; None where the processor does not tell."""
    if not has_cpuid:
        return None
    # Intel tells in leaf 4, AMD, in the same format, in leaf 0x8000001D.
    return max(
        (size for leaf in (4, 0x8000001D) for size in cache_sizes(cpuid, leaf)), default=None
    )


def cache_sizes(cpuid: Cpuid, leaf: int) -> list[int]:
    sizes = []
    for subleaf in range(16):
        eax, ebx, ecx, _ = cpuid(leaf, subleaf)
        if eax & 0x1F == 0:  # no further cache
            break
        ways, partitions, line = ebx >> 22, ebx >> 12 & 0x3FF, ebx & 0xFFF
        sizes.append((ways + 1) * (partitions + 1) * (line + 1) * (ecx + 1))
    return sizes
