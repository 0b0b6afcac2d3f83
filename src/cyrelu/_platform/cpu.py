"""The processor: which instruction sets it runs, and its last-level cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cyrelu._platform import machine
from cyrelu._platform.instruction_sets import INSTRUCTION_SETS, OSXSAVE


class Processor(NamedTuple):
    """How a processor answers: this machine's by default, made-up ones in the tests."""

    cpuid: Callable[[int, int], tuple[int, int, int, int]] = machine.cpuid
    xgetbv: Callable[[], int] = machine.xgetbv  # only to be called where there is OSXSAVE
    hwcap: int = machine.hwcap
    has_cpuid: bool = machine.has_cpuid

    def has(self, bit: tuple[int, int, int]) -> bool:
        leaf, register, position = bit
        return self.has_cpuid and bool(self.cpuid(leaf, 0)[register] >> position & 1)

    def runs(self, name: str) -> bool:
        """Whether processor and operating system both support an instruction set."""
        isa = INSTRUCTION_SETS[name]
        return (
            (isa.parent is None or self.runs(isa.parent))
            and all(map(self.has, isa.cpuid))
            and isa.xcr0 & ~self.saved_registers() == 0
            and isa.hwcap & ~self.hwcap == 0
        )

    def saved_registers(self) -> int:
        return self.xgetbv() if self.has(OSXSAVE) else 0


THIS_MACHINE = Processor()


def supported_instruction_sets(processor: Processor = THIS_MACHINE) -> list[str]:
    """Slowest first."""
    return [name for name in INSTRUCTION_SETS if processor.runs(name)]


def last_level_cache_bytes(processor: Processor = THIS_MACHINE) -> int | None:
    """The size of the largest cache; None where the processor does not report it."""
    if not processor.has_cpuid:
        return None
    # Intel reports caches in leaf 4, AMD, in the same format, in leaf 0x8000001D.
    sizes = (size for leaf in (4, 0x8000001D) for size in cache_sizes(processor, leaf))
    return max(sizes, default=None)


def cache_sizes(processor: Processor, leaf: int) -> list[int]:
    sizes = []
    for subleaf in range(16):
        eax, ebx, ecx, _ = processor.cpuid(leaf, subleaf)
        if eax & 0x1F == 0:  # no further cache
            break
        ways, partitions, line = ebx >> 22, ebx >> 12 & 0x3FF, ebx & 0xFFF
        sizes.append((ways + 1) * (partitions + 1) * (line + 1) * (ecx + 1))
    return sizes
