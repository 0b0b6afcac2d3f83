"""What setup.py finds out about the compiler at hand."""

import shutil
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


@pytest.fixture
def flags():
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    compiler = new_compiler()
    customize_compiler(compiler)
    return compiler_flags.CompilerFlags(compiler)


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
    compile_flags, link_flags = flags.accepted([(["-O1"], []), (["-no-such-flag"], ["-lm"])])
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


def test_loops_are_aligned_without_a_warning(flags):
    """Where a compiler ignores a flag, it says so in every build."""
    for flag in flags.loops():
        assert flags.links(compiler_flags.EMPTY_PROGRAM, ["-Werror", flag], [])
