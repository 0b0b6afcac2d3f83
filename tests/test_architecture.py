"""Imports go one way: each room of the package uses only those that are below it.

The test reads every import and cimport line in the source, and every string that names a module of
the package, such as an argument of import_module.
"""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cyrelu"
pytestmark = pytest.mark.skipif(not SOURCE.exists(), reason="the tests run without the source tree")

# Each room, and the rooms that its files may use. A room is a folder, or a file of the package.
MAY_USE = {
    "scalar": set(),
    "_platform": set(),
    "_pyinstaller": set(),
    "_version": set(),
    "_loops": {"scalar"},
    "_dispatch": {"_loops", "_platform"},
    "_numpy": {"_dispatch", "_loops", "_platform"},
    "kernels": {"_dispatch", "_loops"},
    "memoryviews": {"kernels"},
    "ufuncs": {"_numpy"},
    "config": {"_dispatch", "_numpy", "_platform", "_version"},
    "__init__": {"_numpy", "_version", "config", "ufuncs"},
    "__main__": {"__init__"},
    "_numba": {"__init__"},
    "_testing": {"_dispatch", "_loops", "_numpy", "_platform"},
}
# Other rooms use the declarations of _loops, never the loops, which are loaded by name at run time.
DECLARATIONS = {"conversions", "dtypes", "operations", "types"}
LOADS_LOOPS = "_dispatch/loop_modules.py"

IMPORT = re.compile(
    r"^\s*(?:from\s+(cyrelu[\w.]*)\s+c?import\s+(\([^)]*\)|[^\n#]*)|c?import\s+(cyrelu[\w.]*))",
    re.MULTILINE,
)
NAMED = re.compile(r"""["'](cyrelu\.[\w.]+)""")


def files():
    return sorted(
        path for path in SOURCE.rglob("*") if re.fullmatch(r"\.(py|pyx|pxd|pyi)", path.suffix)
    )


def room_of(path):
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def modules_used(text):
    """The modules of the package that a file names, without `cyrelu.`; `__init__` for itself."""
    for module, names, alone in IMPORT.findall(text):
        if alone:
            yield alone.removeprefix("cyrelu").removeprefix(".") or "__init__"
        elif module == "cyrelu":
            for name in re.findall(r"(\w+)(?:\s+as\s+\w+)?", names):
                yield name if name in MAY_USE else "__init__"
        else:
            room = module.removeprefix("cyrelu.")
            if (SOURCE / room).is_dir():  # from cyrelu._dispatch import threads
                yield from (f"{room}.{name}" for name in re.findall(r"\w+", names))
            else:
                yield room
    yield from (module.removeprefix("cyrelu.") for module in NAMED.findall(text))


def violations(path, text):
    """The modules that a file names but may not use."""
    room = room_of(path)
    for module in modules_used(text):
        other, _, rest = module.partition(".")
        if other == room:
            continue
        loads = str(path.relative_to(SOURCE)) == LOADS_LOOPS and not rest
        declares = other != "_loops" or rest.partition(".")[0] in DECLARATIONS
        if other not in MAY_USE[room] or not (declares or loads):
            yield module


def test_every_room_is_in_the_table():
    assert {room_of(path) for path in files()} == MAY_USE.keys()


def test_the_table_has_no_cycle():
    seen = set()
    for room, below in MAY_USE.items():
        assert below <= seen, room
        seen.add(room)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path):
    assert list(violations(path, path.read_text(encoding="utf-8"))) == []


PLANTED = {
    "a cimport": ("_loops/loops.pyx", "from cyrelu._dispatch.dispatch cimport run"),
    "a cimport of several lines": (
        "_dispatch/dispatch.pyx",
        "from cyrelu._numpy.call cimport (\n    call,\n)",
    ),
    "an import": ("_platform/cpu.py", "from cyrelu._dispatch import threads"),
    "an import of the package": ("_numpy/errors.py", "import cyrelu"),
    "an import inside of a function": ("config.py", "    from cyrelu import __version__"),
    "the loops themselves": ("_dispatch/dispatch.pyx", "from cyrelu._loops.blocks cimport view"),
    "a hook of the tests": ("_numpy/call.pyx", "from cyrelu import _testing"),
    "a module by name": ("_platform/settings.py", 'import_module("cyrelu._loops.baseline")'),
}


@pytest.mark.parametrize(("name", "line"), PLANTED.values(), ids=PLANTED)
def test_an_upward_import_is_found(name, line):
    assert list(violations(SOURCE / name, f"import os\n{line}\n"))
