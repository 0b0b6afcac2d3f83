"""Processes with subinterpreters, as embedders and mod_wsgi have: the main one works as always."""

import textwrap

import pytest
from fresh_process import IN_A_THREAD, run_python

MODULES = ("_interpreters", "_xxsubinterpreters")  # Python 3.13 and newer, older ones
START = """
    import numpy as np, cyrelu
    try:
        import _interpreters
    except ImportError:
        import _xxsubinterpreters as _interpreters
    x = np.random.default_rng(0).standard_normal(1_000_000)
    expected = np.maximum(x, 0)
    cyrelu.set_num_threads(3)
    def works():
        for _ in range(3):
            assert (cyrelu.relu(x) == expected).all()
            assert (cyrelu.relu(x, out=np.empty_like(x)) == expected).all()
            assert (cyrelu.relu(x[::-1]) == expected[::-1]).all()
            assert (cyrelu.relu(x, where=True, order="C") == expected).all()
            assert (cyrelu.ufuncs.relu(x) == expected).all()
        return True
"""
ACTIONS = {
    "one that exists": """
        other = _interpreters.create()
        assert works() and in_a_thread(works)
        _interpreters.destroy(other)
    """,
    "one that has run": """
        other = _interpreters.create()
        _interpreters.run_string(other, "import math")
        assert works() and in_a_thread(works)
        _interpreters.destroy(other)
    """,
    "one that is gone": """
        _interpreters.destroy(_interpreters.create())
        assert works() and in_a_thread(works)
    """,
    "made between calls": """
        assert works()
        other = _interpreters.create()
        assert works() and in_a_thread(works)
        _interpreters.destroy(other)
        assert works()
    """,
    "one that runs meanwhile": """
        other = _interpreters.create()
        thread = threading.Thread(
            target=_interpreters.run_string, args=(other, "sum(range(20_000_000))")
        )
        thread.start()
        while thread.is_alive():
            assert works()
        thread.join()
        _interpreters.destroy(other)
    """,
}


def test_there_are_subinterpreters():
    """All supported versions of CPython have them, under one of two names."""
    found = run_python(f"""
        import importlib.util
        print(sum(importlib.util.find_spec(name) is not None for name in {MODULES}))
    """)
    assert found.stdout in ("1\n", "2\n"), found.stderr


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_the_main_interpreter(action):
    finished = run_python(IN_A_THREAD + textwrap.dedent(START) + textwrap.dedent(action))
    assert finished.returncode == 0, finished.stderr


def test_an_import_in_a_subinterpreter_is_an_import_error():
    action = """
        other = _interpreters.create()
        code = "\\n".join([
            "try:",
            "    import cyrelu",
            "except ImportError:",
            "    pass",
            "else:",
            "    raise AssertionError('imported')",
        ])
        failure = _interpreters.run_string(other, code)  # 3.13 returns it, older ones raise it
        assert failure is None, failure
        assert works()
        _interpreters.destroy(other)
    """
    finished = run_python(IN_A_THREAD + textwrap.dedent(START) + textwrap.dedent(action))
    assert finished.returncode == 0, finished.stderr
