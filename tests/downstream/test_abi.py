"""Linked names and signatures must not change: consumers look them up at import."""

import ctypes
from pathlib import Path

import cyrelu.kernels

SNAPSHOT = Path(__file__).with_name("kernels_abi.txt")
HELP = """
Consumers that are compiled already would fail to import. Adding a function is fine: add its line
to kernels_abi.txt. To change one, add it under a new name and keep the old; to remove one takes a
new major version, and a line under "C interface" in CHANGELOG.md.
"""


def exported():
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    capsules = cyrelu.kernels.__pyx_capi__
    return {name: name_of(capsule).decode() for name, capsule in capsules.items()}


def committed():
    lines = SNAPSHOT.read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_nothing_is_changed_or_removed():
    now = exported()
    for name, signature in committed().items():
        assert name in now, f"{name} is gone. {HELP}"
        assert now[name] == signature, f"{name} has changed. {HELP}"


def test_everything_is_in_the_snapshot():
    missing = exported().keys() - committed().keys()
    assert not missing, f"not in {SNAPSHOT.name} yet: {', '.join(sorted(missing))}. {HELP}"
