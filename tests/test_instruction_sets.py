"""The instruction sets: which ones a machine has, how one is chosen, the same bits from each."""

import importlib.util
from pathlib import Path

import pytest
from fresh_process import run_python

import cyrelu
from cyrelu import _cpu, _settings

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

AVAILABLE = cyrelu.show_config("dicts")["instruction set"]["available"]
LEVELS = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]


def made_up_processor(*levels, without=()):
    """A cpuid with all features of some levels, but for those left out."""

    def cpuid(leaf, _subleaf):
        registers = [0, 0, 0, 0]
        for level in levels:
            for feature in _cpu.FEATURES[level]:
                feature_leaf, register, bit = feature
                if feature_leaf == leaf and feature not in without:
                    registers[register] |= 1 << bit
        return tuple(registers)

    return cpuid


SSE, AVX, AVX512 = 0b10, 0b110, 0b11100110  # what the operating system saves, as xgetbv tells
PROCESSORS = {
    "none of them": (made_up_processor(), SSE, []),
    "v2": (made_up_processor(*LEVELS[:1]), SSE, LEVELS[:1]),
    "v3": (made_up_processor(*LEVELS[:2]), AVX, LEVELS[:2]),
    "v4": (made_up_processor(*LEVELS), AVX512, LEVELS),
    "v4, whose 512-bit registers are not saved": (made_up_processor(*LEVELS), AVX, LEVELS[:2]),
    "v4, whose AVX registers are not saved": (made_up_processor(*LEVELS), SSE, LEVELS[:1]),
    "v4 but one feature": (made_up_processor(*LEVELS, without=[(7, 1, 17)]), AVX512, LEVELS[:2]),
    "v3 but FMA": (made_up_processor(*LEVELS, without=[(1, 2, 12)]), AVX512, LEVELS[:1]),
    "no OSXSAVE": (made_up_processor(*LEVELS, without=[_cpu.OSXSAVE]), None, LEVELS[:1]),
}


@pytest.mark.parametrize(("cpuid", "saved", "expected"), PROCESSORS.values(), ids=PROCESSORS)
def test_levels_of_a_processor(cpuid, saved, expected):
    def xgetbv():
        assert saved is not None, "xgetbv must not be executed without OSXSAVE"
        return saved

    assert _cpu.levels(cpuid, xgetbv, has_cpuid=True) == expected


def test_a_processor_without_cpuid_has_no_levels():
    assert _cpu.levels(has_cpuid=False) == []
    assert _cpu.last_cache_bytes(has_cpuid=False) is None


def cache(ways, line, sets):
    return (0b1_00001, (ways - 1) << 22 | (line - 1), sets - 1, 0)


@pytest.mark.parametrize("leaf", [4, 0x8000001D], ids=["Intel", "AMD"])
def test_the_last_cache(leaf):
    caches = [cache(12, 64, 64), cache(16, 64, 2048), cache(16, 64, 32768)]

    def cpuid(asked, subleaf):
        if asked == leaf and subleaf < len(caches):
            return caches[subleaf]
        return (0, 0, 0, 0)

    assert _cpu.last_cache_bytes(cpuid, has_cpuid=True) == 32 << 20


def test_no_cache_known():
    assert _cpu.last_cache_bytes(lambda leaf, subleaf: (0, 0, 0, 0), has_cpuid=True) is None


def test_the_fastest_is_in_use_by_default():
    finished = run_python(
        "import cyrelu; print(cyrelu.show_config('dicts')['instruction set']['in use'])",
        CYRELU_ISA="",
    )
    assert finished.stdout.strip() == AVAILABLE[-1], finished.stderr


@pytest.mark.parametrize("level", AVAILABLE)
def test_cyrelu_isa(level):
    code = """
        import sys, cyrelu
        print(cyrelu.show_config("dicts")["instruction set"]["in use"])
        print(*sorted(name for name in sys.modules if name.startswith("cyrelu._loops_")))
    """
    finished = run_python(code, CYRELU_ISA=level)
    assert finished.stdout.split() == [level, _settings.LOOPS[level]], finished.stderr


def test_an_unknown_instruction_set_is_refused():
    finished = run_python("import cyrelu", CYRELU_ISA="sse9")
    assert finished.stderr.splitlines()[-1] == (
        "ImportError: cyrelu: the environment variable CYRELU_ISA is 'sse9', which is unknown; "
        f"expected one of {', '.join(AVAILABLE)}"
    )


def test_what_the_machine_lacks_is_refused_before_its_module_is_imported():
    code = """
        import importlib, sys, types
        package = types.ModuleType("cyrelu")
        package.__path__ = [{path!r}]
        sys.modules["cyrelu"] = package
        cpu = importlib.import_module("cyrelu._cpu")
        cpu.levels = lambda: {levels!r}
        settings = importlib.import_module("cyrelu._settings")
        try:
            settings.instruction_set()
        except ImportError as error:
            print(error)
        print([name for name in sys.modules if name.startswith("cyrelu._loops_")])
    """
    path = str(Path(cyrelu.__file__).parent)
    built = [level for level in LEVELS if importlib.util.find_spec(_settings.LOOPS[level])]
    if not built:
        pytest.skip("built for one instruction set")
    lacking = f"CYRELU_ISA is '{built[-1]}', which this machine lacks; expected one of {built[0]}"
    finished = run_python(code.format(path=path, levels=built[:1]), CYRELU_ISA=built[-1])
    error, imported = finished.stdout.splitlines()
    assert error == f"cyrelu: the environment variable {lacking}"
    assert imported == "[]"
    finished = run_python(code.format(path=path, levels=[]), CYRELU_ISA="")
    error, imported = finished.stdout.splitlines()
    assert error.startswith(f"cyrelu: this build needs a processor with {built[0]}; build it from")
    assert imported == "[]"


DIGEST = """
    import hashlib
    import numpy as np
    from cases import CASES, DTYPES, operands_for
    from layouts import every_second

    digest = hashlib.sha256()
    for case in CASES:
        for dtype in DTYPES:
            for n in (1, 7, 64, 333, 300_001):
                operands = operands_for(case, dtype, n, at_zero=0.5)
                for laid_out in (
                    operands,
                    {**operands, "x": every_second(operands["x"])},
                    {**operands, **{name: np.full(n, 0.3, dtype) for name in case.factors}},
                    {**operands, **dict.fromkeys(case.factors, 0)},
                ):
                    digest.update(case.call(laid_out).tobytes())
    print(digest.hexdigest())
"""


def test_the_same_bits_from_every_instruction_set_and_however_they_are_stored():
    """NaNs included: levels, threads, streaming on and off."""
    digests = {
        (level, threads, stream_bytes): run_python(
            DIGEST,
            CYRELU_ISA=level,
            CYRELU_NUM_THREADS=threads,
            CYRELU_STREAM_BYTES=stream_bytes,
        ).stdout
        for level in AVAILABLE
        for threads in ("1", "2")
        for stream_bytes in ("0", str(2**62))
    }
    assert len(set(digests.values())) == 1, digests
    assert len(next(iter(digests.values())).strip()) == 64
