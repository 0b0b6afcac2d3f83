"""Malformed ``__array__``, ``__array_interface__``, ``__array_ufunc__`` and the like.

Each call gives a right result, an error such as TypeError, or the object's own error. What NumPy
cannot detect, such as an ``__array_interface__`` with a wrong address, is undefined in NumPy, and
so here. The same holds for an array that is resized (refcheck=False) while NumPy casts the objects
of another one, because NumPy has read its address before. That can only happen with dtype=,
casting="unsafe" and an array of objects; otherwise no object is converted to a number.
"""

import sys

import numpy as np
import pytest
from cases import CASES, each_function, operands_for
from fresh_process import run_python
from oracle import assert_same

import cyrelu


class OwnError(Exception):
    """The error that the objects raise."""


def fail(*args, **keywords):
    raise OwnError


def malformed(method, implementation):
    """An object with this implementation of a special method."""
    return type("Malformed", (), {method: implementation})()


def interface_with(**changes):
    interface = np.ones(3, np.float32).__array_interface__
    return {**interface, **changes}


WRONG_INTERFACES = {
    "with an unknown typestr": {"typestr": "no such"},
    "with a negative shape": {"shape": (-3,)},
    "with a shape of strings": {"shape": ("three",)},
    "with shape None": {"shape": None},
    "with too few strides": {"shape": (3, 1), "strides": (4,)},
    "with a wrong descr": {"typestr": "|V4", "descr": [("a", "no such")]},
    "with a descr of another size": {"typestr": "|V4", "descr": [("a", "f8")]},
    "larger than its buffer": {"data": memoryview(b"1234"), "shape": (300,)},
}
REFUSED = (TypeError, ValueError, AttributeError)
MALFORMED = {
    "__array__ returns itself": ("__array__", lambda self, *_, **__: self, REFUSED),
    "__array__ returns a list": ("__array__", lambda *_, **__: [1.0], REFUSED),
    "__array__ returns None": ("__array__", lambda *_, **__: None, REFUSED),
    "__array__ returns a class": ("__array__", lambda *_, **__: np.ndarray, REFUSED),
    "__array__ returns an array of objects": (
        "__array__",
        lambda *_, **__: np.array([fail]),
        TypeError,
    ),
    "__array__ raises": ("__array__", fail, OwnError),
    "__array__ raises a TypeError": ("__array__", lambda *_, **__: len(5), TypeError),
    "__array__ is a number": ("__array__", 7, TypeError),
    "__array__ takes no arguments": ("__array__", lambda: np.ones(3), TypeError),
    "__array_ufunc__ returns NotImplemented": (
        "__array_ufunc__",
        lambda *_, **__: NotImplemented,
        TypeError,
    ),
    "__array_ufunc__ raises": ("__array_ufunc__", fail, OwnError),
    "__array_ufunc__ is a number": ("__array_ufunc__", 7, TypeError),
    "__array_ufunc__ takes no arguments": ("__array_ufunc__", lambda: None, TypeError),
    "__array_interface__ is a number": ("__array_interface__", 7, REFUSED),
    "__array_interface__ raises": ("__array_interface__", property(fail), OwnError),
    **{
        f"__array_interface__ {name}": ("__array_interface__", interface_with(**changes), REFUSED)
        for name, changes in WRONG_INTERFACES.items()
    },
    "__array_struct__ is a number": ("__array_struct__", 7, REFUSED),
    "__array_struct__ raises": ("__array_struct__", property(fail), OwnError),
    "__array_priority__ raises": ("__array_priority__", property(fail), (TypeError, OwnError)),
    "__len__ raises": ("__len__", fail, (TypeError, OwnError)),
    "__float__ is not called": ("__float__", fail, TypeError),
    "__index__ is not called": ("__index__", fail, TypeError),
    "__eq__ is not called": ("__eq__", fail, TypeError),
    "__hash__ is not called": ("__hash__", fail, TypeError),
    "__repr__ is not called": ("__repr__", fail, TypeError),
    "__bool__ is not called": ("__bool__", fail, TypeError),
}


@each_function
@pytest.mark.parametrize(("method", "implementation", "error"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_object_as_each_operand(case, method, implementation, error):
    for name in case.operands:
        operands = {**operands_for(case, np.float32, 3), name: malformed(method, implementation)}
        out = np.full(3, 7, np.float32)
        for call in (case.call, case.call_ufunc):
            with pytest.raises(error):
                call(operands, out=out)
            assert (out == 7).all()


@each_function
@pytest.mark.parametrize("name", ["out", "where", "dtype", "casting", "order", "subok"])
@pytest.mark.parametrize("method", ["__eq__", "__ne__", "__hash__", "__repr__", "__bool__"])
def test_an_object_that_raises_as_each_keyword(case, name, method):
    operands = operands_for(case, np.float32, 3)
    out = np.full(3, 7, np.float32)
    keywords = {"out": out, name: malformed(method, fail)}
    if name == "where" and method != "__bool__":
        case.call(operands, **keywords)  # NumPy takes any object for true
        return
    with pytest.raises((TypeError, ValueError, OwnError)):
        case.call(operands, **keywords)
    assert (out == 7).all()


@each_function
def test_whatever_array_ufunc_returns_is_returned(case):
    for value in (None, 7, (), fail):
        override = malformed("__array_ufunc__", lambda *_, value=value, **__: value)
        assert case.call(dict.fromkeys(case.operands, override)) is value
        assert case.call(operands_for(case, np.float32, 3), out=override) is value


class Counted:
    """An object with __array__, which counts how often it is called."""

    def __init__(self, array):
        self.array, self.calls = array, 0

    def __array__(self, dtype=None, copy=None):
        self.calls += 1
        return self.array


@each_function
@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_array_is_called_once_and_not_again_to_explain_an_error(case, dtype):
    for name in case.operands:
        counted = Counted(np.ones(3, dtype))
        operands = {**operands_for(case, np.float32, 3), name: counted}
        if dtype == "f4":
            case.call(operands)
        else:
            with pytest.raises(TypeError, match=f"^{case.name}: {name} has dtype complex64"):
                case.call(operands)
        assert counted.calls == 1


class CountedWrapping(Counted):
    """The same, returning results as its own type, as PyTorch's tensors do."""

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return CountedWrapping(array)


@each_function
def test_an_object_that_wraps_results_is_called_once(case):
    read_only = np.ones(3, np.float32)
    read_only.flags.writeable = False
    for name in case.arrays:
        operands = {**operands_for(case, np.float32, 3), name: CountedWrapping(np.ones(3, "f4"))}
        assert type(case.call(operands)) is CountedWrapping
        assert operands[name].calls == 1
        with pytest.raises(ValueError, match=f"^{case.name}: out is read-only"):
            case.call(operands, out=read_only)
        assert operands[name].calls == 2
        with pytest.raises(TypeError, match=f"^{case.name}: dtype is complex64"):
            case.call(operands, dtype=np.complex64)
        for other in set(case.operands) - {name}:
            with pytest.raises(TypeError, match=f"^{case.name}: {other} has dtype complex64"):
                case.call({**operands, other: np.ones(3, np.complex64)})


# ---- subclasses


def subclass(method):
    """An array of a subclass whose method raises once the array exists."""
    kind = type("Subclass", (np.ndarray,), {})
    array = np.ones(3, np.float32).view(kind)
    setattr(kind, method, fail)
    return array


@each_function
@pytest.mark.parametrize("method", ["__array_finalize__", "__array_wrap__", "__array_ufunc__"])
def test_a_subclass_whose_method_raises(case, method):
    for name in case.operands:
        operands = {**operands_for(case, np.float32, 3), name: subclass(method)}
        with pytest.raises(OwnError):
            case.call(operands)
        kept = operands_for(case, np.float32, 3)
        assert_same(case.call(kept), case.expected(kept))


@each_function
def test_array_prepare_is_not_called(case):
    """NumPy 2 no longer calls it."""
    ones = subclass("__array_prepare__")
    result = case.call(dict.fromkeys(case.operands, ones))
    assert_same(result, case.expected(dict.fromkeys(case.operands, np.asarray(ones))))


@each_function
def test_whatever_array_wrap_returns_is_returned(case):
    x = np.ones(3, np.float32).view(
        type("Subclass", (np.ndarray,), {"__array_wrap__": lambda *_: 7})
    )
    assert case.call({**operands_for(case, np.float32, 3), "x": x}) == 7


# ---- arguments that change during the call


class RunsAction:
    """An operand whose __array__ runs an action and returns ones."""

    def __init__(self, action, n=3):
        self.action, self.n = action, n

    def __array__(self, dtype=None, copy=None):
        self.action()
        return np.ones(self.n, np.float32)


def last_of(case):
    """The operand that NumPy converts last."""
    return case.operands[-1]


WITH_FACTORS = [case for case in CASES if case.factors]
each_with_factors = pytest.mark.parametrize("case", WITH_FACTORS, ids=lambda case: case.name)


@each_with_factors
@pytest.mark.parametrize("n", [3, 100_000])
def test_x_is_resized_while_another_operand_is_converted(case, n):
    """The operand converted last resizes x; the call uses the new x."""
    operands = operands_for(case, np.float32, 3)
    x = operands["x"] = np.ones(3, np.float32)
    for name in {*case.arrays} - {"x"}:
        operands[name] = np.ones(1, np.float32)
    operands[last_of(case)] = RunsAction(lambda: x.resize(n, refcheck=False), n=1)
    for call in (case.call, case.call_ufunc):
        result = call(operands)
        assert result.shape == (n,)
        assert_same(result, case.expected({**operands, last_of(case): np.ones(1, np.float32)}))
        x.resize(3, refcheck=False)


@each_with_factors
def test_out_is_resized_or_made_read_only_while_an_operand_is_converted(case):
    changes = {
        "emptied": lambda out: out.resize(0, refcheck=False),
        "enlarged": lambda out: out.resize(50_000, refcheck=False),
        "read-only": lambda out: out.setflags(write=False),
    }
    for change in changes.values():
        out = np.full(3, 7, np.float32)
        operands = operands_for(case, np.float32, 3)
        operands[last_of(case)] = RunsAction(lambda out=out, change=change: change(out))
        with pytest.raises(ValueError, match=f"^{case.name}: |read-only|broadcast"):
            case.call(operands, out=out)
        assert set(out) <= {0, 7}


@each_function
def test_an_object_that_changes_the_array_it_returned_before(case):
    given = np.ones(3, np.float32)

    class Same:
        def __array__(self, dtype=None, copy=None):
            given[...] += 1
            return given

    operands = dict.fromkeys(case.operands, Same())
    result = case.call(operands)
    assert (given == 1 + len(case.operands)).all()
    assert_same(result, case.expected(dict.fromkeys(case.operands, given)))


@pytest.mark.thread_unsafe(reason="changes the recursion limit of the process")
@each_function
def test_calls_within_a_call(case):
    """Each call converts an operand, which makes the next call, up to Python's recursion limit."""
    depth = []

    def again():
        if len(depth) < 5:
            depth.append(None)
            case.call(operands)

    operands = dict.fromkeys(case.operands, RunsAction(again))
    ones = np.ones(3, np.float32)
    assert_same(case.call(operands), case.expected(dict.fromkeys(case.operands, ones)))
    endless = dict.fromkeys(case.operands, RunsAction(lambda: case.call(endless)))
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(200)
        with pytest.raises(RecursionError):
            case.call(endless)
    finally:
        sys.setrecursionlimit(limit)


def test_objects_whose_float_method_has_side_effects():
    """In a separate process: NumPy calls __float__ of each object during the call."""
    done = run_python(
        """
        import warnings
        import numpy as np
        from cases import CASES

        warnings.simplefilter("ignore", DeprecationWarning)  # from NumPy 2.5 on, of x.shape = ...

        class Number:
            def __init__(self, action):
                self.action = action
            def __float__(self):
                self.action()
                return 1.0

        class OwnError(Exception):
            pass

        def fail():
            raise OwnError

        for case in CASES:
            for n in (3, 20_000):
                for name in case.operands:
                    x, out = np.full(n, -1, np.float32), np.full(n, -1, np.float32)
                    def change():
                        x[...] = 1
                        x.shape = (n, 1)
                        out.setflags(write=False)
                        case.call(dict.fromkeys(case.operands, np.ones(n)))
                    for action in (fail, change):
                        operands = dict.fromkeys(case.operands, x)
                        operands[name] = np.ones(n, object)
                        operands[name][n // 2] = Number(action)
                        try:
                            case.call(operands, out=out, dtype=np.float32, casting="unsafe")
                        except (OwnError, ValueError):
                            out.setflags(write=True)
                        assert set(out) <= {-2, -1, 0, 1, 2}
        print("alive")
        """
    )
    assert (done.stdout, done.stderr) == ("alive\n", "")


# ---- thread limits


class Index:
    def __init__(self, action):
        self.action = action

    def __index__(self):
        return self.action()


@pytest.mark.parametrize("limit", [cyrelu.set_num_threads, cyrelu.num_threads])
def test_a_limit_that_raises_or_is_malformed_changes_nothing(limit):
    before = cyrelu.get_num_threads()
    wrong = {
        "raises": (Index(fail), OwnError),
        "returns no integer": (Index(lambda: "2"), TypeError),
        "is too large for C": (Index(lambda: 2**64 + 1), ValueError),
        "is too large to print": (Index(lambda: 10**5000), ValueError),
        "raises in __repr__": (malformed("__repr__", fail), OwnError),
        "is no number": (np.ones(3), TypeError),
    }
    for n, error in wrong.values():
        with pytest.raises(error):
            limit(n)
    assert cyrelu.get_num_threads() == before


def test_a_limit_that_sets_another_limit_and_calls():
    def nested():
        with cyrelu.num_threads(3):
            cyrelu.relu(np.ones(200_000))
        return 2

    with cyrelu.num_threads(Index(nested)):
        assert cyrelu.get_num_threads() == 2


def test_num_threads_blocks_that_were_not_entered():
    with pytest.raises(RuntimeError):
        cyrelu.num_threads(2).__exit__()
    with pytest.raises(AttributeError):
        cyrelu.num_threads.__new__(cyrelu.num_threads).__enter__()
