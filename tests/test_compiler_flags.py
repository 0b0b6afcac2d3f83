"""What setup.py finds out about the compiler at hand."""

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"
sys.path.insert(0, str(TOOLS))
compiler_flags = pytest.importorskip("compiler_flags", reason="no tools here")
setuptools = pytest.importorskip("setuptools")
from cyrelu._platform.instruction_sets import INSTRUCTION_SETS, InstructionSet  # noqa: E402

pytestmark = [
    pytest.mark.thread_unsafe(reason="changes the environment of the process"),
    pytest.mark.skipif(
        sys.platform == "win32" or not shutil.which("cc"), reason="needs a Unix compiler"
    ),
]


def flags_of(compiler_name=None):
    """CompilerFlags for Python's own compiler, or for another."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    compiler = new_compiler()
    customize_compiler(compiler)
    if compiler_name:
        compiler.set_executables(compiler_so=compiler_name, linker_exe=compiler_name)
    return compiler_flags.CompilerFlags(compiler)


@pytest.fixture
def flags():
    return flags_of()


@functools.cache
def always(compiler_name):
    return flags_of(compiler_name).always(debug=False)


def test_a_program_links_unless_a_flag_is_unknown(flags):
    assert flags.links(compiler_flags.EMPTY_PROGRAM, [], [])
    assert not flags.links(compiler_flags.EMPTY_PROGRAM, ["-no-such-flag"], [])
    assert not flags.links("no program", [], [])


@pytest.mark.parametrize("name", ["CFLAGS", "LDFLAGS"])
def test_flags_of_the_environment_are_used_to_link(flags, monkeypatch, name):
    """A library in a folder of its own, or a sanitizer, is found as it is for the modules."""
    program = "int answer(void); int main(void) { return answer(); }"
    assert not flags.links(program, [], [])
    is_mac = sys.platform == "darwin"
    ignoring = "-undefined,dynamic_lookup" if is_mac else "--unresolved-symbols=ignore-all"
    monkeypatch.setenv(name, f"-Wl,{ignoring}")
    assert flags.links(program, [], [])


def test_only_accepted_flags_are_used(flags):
    compile_flags, link_flags = flags.accepted(
        [
            (["-O1"], [], compiler_flags.EMPTY_PROGRAM),
            (["-no-such-flag"], ["-lm"], compiler_flags.EMPTY_PROGRAM),
            (["-O2"], [], compiler_flags.program_if("defined(CYRELU_NO_SUCH_MACRO)")),
        ]
    )
    assert (compile_flags, link_flags) == (["-O1"], [])


def test_a_set_that_is_replaced_is_not_built(flags):
    made_up = [
        InstructionSet("baseline"),
        InstructionSet(
            "small",
            parent="baseline",
            replaces="baseline",
            flags={"unix": ["-O1"]},
            macro="__STDC__",
        ),
        InstructionSet("other", flags={"unix": ["-O1"]}, macro="CYRELU_NO_SUCH_MACRO"),
        InstructionSet("unknown", flags={"unix": ["-no-such-flag"]}, macro="__STDC__"),
        InstructionSet("for another compiler", flags={"msvc": ["/O2"]}, macro="__STDC__"),
    ]
    assert flags.instruction_sets(made_up) == {"small": ["-O1"]}
    assert flags.instruction_sets(made_up[:1]) == {"baseline": []}


def test_every_architecture_has_a_set(flags):
    assert flags.instruction_sets(INSTRUCTION_SETS.values())


def test_openmp_may_be_off_or_required(flags, monkeypatch, capsys):
    assert flags.openmp("off") == ([], [])
    monkeypatch.setattr(compiler_flags, "OPENMP_FLAGS", {"unix": [(["-no-such-flag"], [])]})
    assert flags.openmp("auto") == ([], [])
    assert "calls use one thread" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="CYRELU_OPENMP=require"):
        flags.openmp("require")


ASKED = [("CFLAGS", "-g -O2"), ("CFLAGS", "-O2 -ggdb3"), ("CPPFLAGS", "-g1"), ("CC", "cc -g")]


@pytest.mark.parametrize(("name", "value"), ASKED)
def test_a_packager_who_asks_for_debug_information_gets_it(flags, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert flags.debug_information(debug=False) == []


@pytest.mark.parametrize("flag", [None, "-Og", "-I/opt/-g"])
def test_others_get_none_in_release_builds(flags, monkeypatch, tmp_path, flag):
    for name in ("CC", "CFLAGS", "CPPFLAGS"):
        monkeypatch.delenv(name, raising=False)
    if flag:
        monkeypatch.setenv("CFLAGS", flag)
    assert flags.debug_information(debug=True) == []
    source, program = tmp_path / "program.c", tmp_path / "program.o"
    source.write_text(compiler_flags.EMPTY_PROGRAM)

    def has_debug_information(*more):
        subprocess.run(["cc", "-g", *more, "-c", str(source), "-o", str(program)], check=True)
        return b"debug_info" in program.read_bytes()

    assert has_debug_information()
    assert not has_debug_information(*flags.debug_information(debug=False))


def test_loops_are_aligned_without_a_warning(flags):
    """Where a compiler ignores a flag, it says so in every build."""
    for flag in flags.loops():
        assert flags.links(compiler_flags.EMPTY_PROGRAM, ["-Werror", flag], [])


# Each function is 1 where arithmetic is that of IEEE 754, in float and in double. The operands are
# volatile, the operations are not.
STRICT_PROGRAM = r"""
#include <float.h>
#include <math.h>
#include <stdio.h>

static volatile double one = 1, tiny = 1e-20, smallest = DBL_MIN, minus_zero = -0.0, n = 49;
static volatile double infinity = INFINITY, not_a_number = NAN, third = 1.0 / 3, zero = 0;
static volatile float largest = FLT_MAX, two = 2;

static int subnormals(void) { return smallest / 2 > 0; }
static int nan_is_unequal(void) { double x = not_a_number; return x != x && !(x > 0 || x <= 0); }
static int infinite(void) { double x = infinity; return x - 1 == x && isnan(x - x); }
static int sign_of_zero(void) { double x = minus_zero; return !signbit(x + 0.0) && signbit(x); }
static int in_order(void) { double x = tiny, y = one; return (x + y) - y == 0; }
static int divides(void) { double x = n; return x / 49.0 == 1; }
static int rounds_products(void) {
    double x = third;
    volatile double product = third * third;
    return x * x - product == 0;
}
static int single_stays_single(void) { float x = largest; return isinf(x * two / two); }
static int constants(void) { double x = zero; volatile double y = one; return x + 0.1 == y / 10; }

int main(void) {
    printf("%d%d%d%d%d%d%d%d%d\n", subnormals(), nan_is_unequal(), infinite(), sign_of_zero(),
           in_order(), divides(), rounds_products(), single_stays_single(), constants());
    return 0;
}
"""
STRICT = "1" * 9 + "\n"
HOSTILE = {
    "-ffast-math": ["-ffast-math"],
    "-Ofast": ["-Ofast"],
    "-funsafe-math-optimizations": ["-O2", "-funsafe-math-optimizations"],
    "-ffinite-math-only": ["-O2", "-ffinite-math-only"],
    "-fno-signed-zeros": ["-O2", "-fno-signed-zeros"],
    "-fassociative-math": [
        *("-O2", "-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math"),
    ],
    "-freciprocal-math": ["-O2", "-freciprocal-math"],
    "-fsingle-precision-constant": ["-O2", "-fsingle-precision-constant"],
    "-mfpmath=387": ["-O2", "-mfpmath=387"],
    "-ffp-model=fast": ["-O2", "-ffp-model=fast"],
    "-ffp-contract=fast": ["-O2", "-ffp-contract=fast", "-march=native"],
}


@pytest.mark.parametrize("compiler", ["cc", "clang"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_flags_that_change_results_are_undone(tmp_path, compiler, hostile):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")

    def result(after):
        """What the program prints, with flags after the hostile ones."""
        source, program = tmp_path / "program.c", tmp_path / "program"
        source.write_text(STRICT_PROGRAM)
        for arguments in (
            [*hostile, *after[0], "-c", str(source), "-o", f"{source}.o"],
            [*hostile, f"{source}.o", *after[1], "-lm", "-o", str(program)],
        ):
            subprocess.run([compiler, *arguments], check=True, capture_output=True)
        return subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout

    try:
        alone = result(([], []))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{compiler} refuses them: {error.stderr.decode()[:80]}")
    if alone == STRICT:
        pytest.skip(f"{compiler} changes nothing with them")
    assert result(always(compiler)) == STRICT, f"without our flags it is {alone}"


LOOPS = TOOLS.parent / "src/cyrelu/_loops/loops.pyx"
REFUSED = {
    "-ffast-math": "fast math breaks NaN",
    "-ffinite-math-only": "need NaN and infinities",
    "-mfpmath=387": "computed in a wider type",
}


@pytest.mark.skipif(not LOOPS.exists(), reason="the tests run without the source tree")
@pytest.mark.parametrize(("flag", "words"), REFUSED.items(), ids=REFUSED)
def test_the_loops_refuse_flags_that_are_in_force(tmp_path, flag, words):
    """Whatever a compiler calls them: its macros say what it does."""
    checks = re.findall(
        r'"""\n(    #if defined\(__FAST_MATH__\).*?)"""', LOOPS.read_text(), re.DOTALL
    )
    source = tmp_path / "checks.c"

    def refusal(text, *flags):
        source.write_text(f"{text}{compiler_flags.EMPTY_PROGRAM}")
        command = ["cc", *flags, "-c", str(source), "-o", f"{source}.o"]
        return subprocess.run(command, capture_output=True, text=True).stderr

    if refusal("", flag):
        pytest.skip(f"cc has no {flag} here")
    assert words in refusal(checks[0], flag)
    assert refusal(checks[0], flag, *always("cc")[0]) == ""
