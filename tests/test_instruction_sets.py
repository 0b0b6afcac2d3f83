"""Instruction sets: which ones a machine supports, how one is chosen, the same bits from each."""

import functools
import operator
import re
from pathlib import Path

import pytest
from fresh_process import run_python

import cyrelu
from cyrelu._dispatch import loop_modules
from cyrelu._platform import cpu
from cyrelu._platform.cpu import Processor
from cyrelu._platform.instruction_sets import INSTRUCTION_SETS, OSXSAVE, InstructionSet

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

AVAILABLE = cyrelu.show_config("dicts")["instruction_set"]["available"]
# The levels of x86-64's psABI, which are named after them; there may be other sets beside them.
LEVELS = [name for name in INSTRUCTION_SETS if re.fullmatch(r"x86-64-v\d+", name)]
V2, V3 = LEVELS[:1], LEVELS[:2]


def cpuid_of(*isas, without=()):
    """A cpuid function with all features of some instruction sets, except those left out."""

    def cpuid(leaf, _subleaf):
        registers = [0, 0, 0, 0]
        for isa in isas:
            for feature in INSTRUCTION_SETS[isa].cpuid:
                feature_leaf, register, bit = feature
                if feature_leaf == leaf and feature not in without:
                    registers[register] |= 1 << bit
        return tuple(registers)

    return cpuid


SSE, AVX, AVX512 = 0b10, 0b110, 0b11100110  # the registers that the system saves, from xgetbv
PROCESSORS = {
    "none of them": (cpuid_of(), SSE, []),
    "v2": (cpuid_of(*V2), SSE, V2),
    "v3": (cpuid_of(*V3), AVX, V3),
    "v4": (cpuid_of(*LEVELS), AVX512, LEVELS),
    "v4, whose 512-bit registers are not saved": (cpuid_of(*LEVELS), AVX, V3),
    "v4, whose AVX registers are not saved": (cpuid_of(*LEVELS), SSE, V2),
    "v4 without one feature": (cpuid_of(*LEVELS, without=[(7, 1, 17)]), AVX512, V3),
    "v3 without FMA": (cpuid_of(*LEVELS, without=[(1, 2, 12)]), AVX512, V2),
    "no OSXSAVE": (cpuid_of(*LEVELS, without=[OSXSAVE]), None, V2),
}


@pytest.mark.parametrize(("cpuid", "saved", "expected"), PROCESSORS.values(), ids=PROCESSORS)
def test_the_levels_of_an_x86(cpuid, saved, expected):
    def xgetbv():
        assert saved is not None, "xgetbv must not be executed without OSXSAVE"
        return saved

    processor = Processor(cpuid, xgetbv, hwcap=0, has_cpuid=True)
    supported = cpu.supported_instruction_sets(processor)
    assert [name for name in supported if name in ["baseline", *LEVELS]] == ["baseline", *expected]


def lineage(isa):
    """A set and what it extends, as InstructionSets."""
    return [INSTRUCTION_SETS[isa], *lineage(INSTRUCTION_SETS[isa].parent)] if isa else []


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_a_set_needs_each_feature_of_its_own_and_of_what_it_extends(isa):
    needed = lineage(isa)
    names = [each.name for each in needed]
    hwcap = functools.reduce(operator.or_, [each.hwcap for each in needed])

    def runs(without=(), saved=AVX512, hwcap=hwcap):
        processor = Processor(cpuid_of(*names, without=without), lambda: saved, hwcap, True)
        return isa in cpu.supported_instruction_sets(processor)

    assert runs()
    assert not any(runs(without=[bit]) for each in needed for bit in each.cpuid)
    assert runs(saved=0) != any(each.xcr0 for each in needed)
    assert runs(hwcap=0) != bool(hwcap)


def test_a_processor_without_cpuid():
    processor = Processor(hwcap=0, has_cpuid=False)
    assert cpu.supported_instruction_sets(processor) == ["baseline"]
    assert cpu.last_level_cache_bytes(processor) is None


def test_the_registry_is_a_tree_in_which_a_parent_comes_first():
    seen = [None]
    for name, isa in INSTRUCTION_SETS.items():
        assert isa.parent in seen
        seen.append(name)


# A registry with Arm instruction sets: siblings, distinguished by Linux's AT_HWCAP.
SVE, FP16 = 1 << 22, 1 << 9 | 1 << 10
ARM = {
    "baseline": InstructionSet("baseline"),
    "armv8.2-sve": InstructionSet("armv8.2-sve", parent="baseline", hwcap=SVE),
    "armv8.2-fp16": InstructionSet("armv8.2-fp16", parent="baseline", hwcap=FP16),
}
ARM_PROCESSORS = {
    "none": (0, ["baseline"]),
    "SVE": (SVE, ["baseline", "armv8.2-sve"]),
    "one of the two features of a set": (1 << 9, ["baseline"]),
    "both": (SVE | FP16, list(ARM)),
}


@pytest.mark.parametrize(("hwcap", "expected"), ARM_PROCESSORS.values(), ids=ARM_PROCESSORS)
def test_a_tree_of_instruction_sets_for_arm(monkeypatch, hwcap, expected):
    monkeypatch.setattr(cpu, "INSTRUCTION_SETS", ARM)
    processor = Processor(hwcap=hwcap, has_cpuid=False)
    assert cpu.supported_instruction_sets(processor) == expected
    assert ARM["armv8.2-sve"].module == "armv8_2_sve"


def cache(ways, line, sets):
    return (0b1_00001, (ways - 1) << 22 | (line - 1), sets - 1, 0)


@pytest.mark.parametrize("leaf", [4, 0x8000001D], ids=["Intel", "AMD"])
def test_the_last_level_cache(leaf):
    caches = [cache(12, 64, 64), cache(16, 64, 2048), cache(16, 64, 32768)]

    def cpuid(requested, subleaf):
        if requested == leaf and subleaf < len(caches):
            return caches[subleaf]
        return (0, 0, 0, 0)

    assert cpu.last_level_cache_bytes(Processor(cpuid, has_cpuid=True)) == 32 << 20


def test_no_cache_is_reported():
    processor = Processor(lambda leaf, subleaf: (0, 0, 0, 0), has_cpuid=True)
    assert cpu.last_level_cache_bytes(processor) is None


def test_the_last_available_instruction_set_is_the_default():
    finished = run_python(
        "import cyrelu; print(cyrelu.show_config('dicts')['instruction_set']['in_use'])",
        CYRELU_ISA="",
    )
    assert finished.stdout.strip() == AVAILABLE[-1], finished.stderr


@pytest.mark.parametrize("isa", AVAILABLE)
def test_cyrelu_isa(isa):
    code = """
        import sys, cyrelu
        print(cyrelu.show_config("dicts")["instruction_set"]["in_use"])
        print(*sorted(name for name in sys.modules if name.startswith("cyrelu._loops.")))
    """
    finished = run_python(code, CYRELU_ISA=isa)
    assert finished.stdout.split() == [isa, loop_modules.module_of(isa)], finished.stderr


def test_an_unknown_instruction_set_is_refused():
    finished = run_python("import cyrelu", CYRELU_ISA="sse9")
    assert finished.stderr.splitlines()[-1] == (
        "ImportError: cyrelu: the environment variable CYRELU_ISA is 'sse9', which is unknown; "
        f"expected one of {', '.join(AVAILABLE)}"
    )


def test_an_unsupported_instruction_set_is_refused_before_its_module_is_imported():
    code = """
        import importlib, sys, types
        package = types.ModuleType("cyrelu")
        package.__path__ = [{path!r}]
        sys.modules["cyrelu"] = package
        cpu = importlib.import_module("cyrelu._platform.cpu")
        cpu.supported_instruction_sets = lambda: {supported!r}
        loop_modules = importlib.import_module("cyrelu._dispatch.loop_modules")
        try:
            loop_modules.chosen()
        except ImportError as error:
            print(error)
        print([name for name in sys.modules if name.startswith("cyrelu._loops.")])
    """
    path = str(Path(cyrelu.__file__).parent)
    built = loop_modules.built()
    if len(built) < 2:
        pytest.skip("built for one instruction set")
    lacking = f"CYRELU_ISA is '{built[-1]}', which this machine lacks; expected one of {built[0]}"
    finished = run_python(code.format(path=path, supported=built[:1]), CYRELU_ISA=built[-1])
    error, imported = finished.stdout.splitlines()
    assert error == f"cyrelu: the environment variable {lacking}"
    assert imported == "[]"
    finished = run_python(code.format(path=path, supported=[]), CYRELU_ISA="")
    error, imported = finished.stdout.splitlines()
    assert error.startswith(f"cyrelu: this build needs a processor with {built[0]}; build it from")
    assert imported == "[]"


def test_without_any_loops_the_error_says_what_is_missing(monkeypatch):
    """As in a frozen program that was packed without them."""
    monkeypatch.setattr(loop_modules.importlib.util, "find_spec", lambda name: None)
    message = r"^cyrelu: this installation has no loops \(cyrelu/_loops has no compiled module\);"
    with pytest.raises(ImportError, match=message):
        loop_modules.chosen()


DIGEST = """
    import hashlib
    import numpy as np
    from cases import CASES, operands_for
    from layouts import every_second

    digest = hashlib.sha256()
    for case in CASES:
        for dtype in case.dtypes:
            for n in (1, 7, 64, 333, 300_001):
                operands = operands_for(case, dtype, n, **case.other_factors)
                for laid_out in (
                    operands,
                    {**operands, "x": every_second(operands["x"])},
                    {**operands, **{name: np.full(n, 0.3, dtype) for name in case.factors}},
                    {**operands, **dict.fromkeys(case.factors, 0)},
                ):
                    digest.update(case.call(laid_out).tobytes())
    print(digest.hexdigest())
"""


def test_the_same_bits_from_every_instruction_set():
    """NaNs included; with one thread and two, with streaming stores and without."""
    digests = {
        (isa, threads, stream_bytes): run_python(
            DIGEST,
            CYRELU_ISA=isa,
            CYRELU_NUM_THREADS=threads,
            CYRELU_STREAM_BYTES=stream_bytes,
        ).stdout
        for isa in AVAILABLE
        for threads in ("1", "2")
        for stream_bytes in ("0", str(2**62))
    }
    assert len(set(digests.values())) == 1, digests
    assert len(next(iter(digests.values())).strip()) == 64
