"""Objects that lie, raise or change what they were given to: a right result or their own error.

Lies that NumPy cannot tell from the truth, such as an ``__array_interface__`` with an address that
is not its own, are undefined in NumPy, and so here. The same holds for an array that is resized
(refcheck=False) while NumPy casts the objects of another one: it has taken its address before.
That takes dtype=, casting="unsafe" and an array of objects; else no object is asked for numbers.
"""

import sys

import numpy as np
import pytest
from cases import CASES, each_function, operands_for
from fresh_process import run_python
from oracle import assert_same

import cyrelu


class Mine(Exception):
    """What hostile objects raise."""


def fail(*args, **keywords):
    raise Mine


def lying(method, answer):
    """An object of which this method gives this answer."""
    return type("Lying", (), {method: answer})()


def record_of(**changes):
    interface = np.ones(3, np.float32).__array_interface__
    return {**interface, **changes}


WRONG_RECORDS = {
    "of no type": {"typestr": "no such"},
    "of a negative shape": {"shape": (-3,)},
    "of a shape of words": {"shape": ("three",)},
    "of no shape": {"shape": None},
    "with too few strides": {"shape": (3, 1), "strides": (4,)},
    "with a wrong descr": {"typestr": "|V4", "descr": [("a", "no such")]},
    "with a descr of another size": {"typestr": "|V4", "descr": [("a", "f8")]},
    "beyond its buffer": {"data": memoryview(b"1234"), "shape": (300,)},
}
REFUSED = (TypeError, ValueError, AttributeError)
LIES = {
    "__array__ returns itself": ("__array__", lambda self, *_, **__: self, REFUSED),
    "__array__ returns a list": ("__array__", lambda *_, **__: [1.0], REFUSED),
    "__array__ returns None": ("__array__", lambda *_, **__: None, REFUSED),
    "__array__ returns its class": ("__array__", lambda *_, **__: np.ndarray, REFUSED),
    "__array__ returns objects": ("__array__", lambda *_, **__: np.array([fail]), TypeError),
    "__array__ raises": ("__array__", fail, Mine),
    "__array__ raises a TypeError": ("__array__", lambda *_, **__: len(5), TypeError),
    "__array__ is a number": ("__array__", 7, TypeError),
    "__array__ takes nothing": ("__array__", lambda: np.ones(3), TypeError),
    "__array_ufunc__ gives up": ("__array_ufunc__", lambda *_, **__: NotImplemented, TypeError),
    "__array_ufunc__ raises": ("__array_ufunc__", fail, Mine),
    "__array_ufunc__ is a number": ("__array_ufunc__", 7, TypeError),
    "__array_ufunc__ takes nothing": ("__array_ufunc__", lambda: None, TypeError),
    "__array_interface__ is a number": ("__array_interface__", 7, REFUSED),
    "__array_interface__ raises": ("__array_interface__", property(fail), Mine),
    **{
        f"__array_interface__ {name}": ("__array_interface__", record_of(**changes), REFUSED)
        for name, changes in WRONG_RECORDS.items()
    },
    "__array_struct__ is a number": ("__array_struct__", 7, REFUSED),
    "__array_struct__ raises": ("__array_struct__", property(fail), Mine),
    "__array_priority__ raises": ("__array_priority__", property(fail), (TypeError, Mine)),
    "__len__ raises": ("__len__", fail, (TypeError, Mine)),
    "__float__ is not asked": ("__float__", fail, TypeError),
    "__index__ is not asked": ("__index__", fail, TypeError),
    "__eq__ is not asked": ("__eq__", fail, TypeError),
    "__hash__ is not asked": ("__hash__", fail, TypeError),
    "__repr__ is not asked": ("__repr__", fail, TypeError),
    "__bool__ is not asked": ("__bool__", fail, TypeError),
}


@each_function
@pytest.mark.parametrize(("method", "answer", "error"), LIES.values(), ids=LIES)
def test_a_lie_in_place_of_every_operand(case, method, answer, error):
    for name in case.operands:
        operands = {**operands_for(case, np.float32, 3), name: lying(method, answer)}
        out = np.full(3, 7, np.float32)
        for call in (case.call, case.call_ufunc):
            with pytest.raises(error):
                call(operands, out=out)
            assert (out == 7).all()


@each_function
@pytest.mark.parametrize("name", ["out", "where", "dtype", "casting", "order", "subok"])
@pytest.mark.parametrize("method", ["__eq__", "__ne__", "__hash__", "__repr__", "__bool__"])
def test_an_object_that_raises_as_every_keyword(case, name, method):
    operands = operands_for(case, np.float32, 3)
    out = np.full(3, 7, np.float32)
    keywords = {"out": out, name: lying(method, fail)}
    if name == "where" and method != "__bool__":
        case.call(operands, **keywords)  # to NumPy an object is true
        return
    with pytest.raises((TypeError, ValueError, Mine)):
        case.call(operands, **keywords)
    assert (out == 7).all()


@each_function
def test_an_answer_of_array_ufunc_is_handed_on_whatever_it_is(case):
    for answer in (None, 7, (), fail):
        liar = lying("__array_ufunc__", lambda *_, answer=answer, **__: answer)
        assert case.call(dict.fromkeys(case.operands, liar)) is answer
        assert case.call(operands_for(case, np.float32, 3), out=liar) is answer


class Counted:
    """An object with __array__, which counts how often it is asked."""

    def __init__(self, array):
        self.array, self.asked = array, 0

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return self.array


@each_function
@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_array_is_asked_once_and_not_again_to_explain_an_error(case, dtype):
    for name in case.operands:
        counted = Counted(np.ones(3, dtype))
        operands = {**operands_for(case, np.float32, 3), name: counted}
        if dtype == "f4":
            case.call(operands)
        else:
            with pytest.raises(TypeError, match=f"^{case.name}: {name} has dtype complex64"):
                case.call(operands)
        assert counted.asked == 1


# ---- subclasses


def subclass(method):
    """An array whose method raises from when it is told to."""
    kind = type("Subclass", (np.ndarray,), {})
    array = np.ones(3, np.float32).view(kind)
    setattr(kind, method, fail)
    return array


@each_function
@pytest.mark.parametrize("method", ["__array_finalize__", "__array_wrap__", "__array_ufunc__"])
def test_a_subclass_that_raises(case, method):
    for name in case.operands:
        operands = {**operands_for(case, np.float32, 3), name: subclass(method)}
        with pytest.raises(Mine):
            case.call(operands)
        kept = operands_for(case, np.float32, 3)
        assert_same(case.call(kept), case.expected(kept))


@each_function
def test_array_prepare_is_history(case):
    """NumPy 2 no longer asks for it."""
    result = case.call(dict.fromkeys(case.operands, subclass("__array_prepare__")))
    assert (np.asarray(result) == 1).all()


@each_function
def test_a_subclass_whose_wrap_returns_nonsense(case):
    liar = np.ones(3, np.float32).view(
        type("Subclass", (np.ndarray,), {"__array_wrap__": lambda *_: 7})
    )
    assert case.call({**operands_for(case, np.float32, 3), "x": liar}) == 7


# ---- what was given changes under the call


class Acts:
    """As an operand it is an array of ones; asked for it, it does something first."""

    def __init__(self, action, n=3):
        self.action, self.n = action, n

    def __array__(self, dtype=None, copy=None):
        self.action()
        return np.ones(self.n, np.float32)


def last_of(case):
    """The operand that NumPy asks last."""
    return case.operands[-1]


WITH_FACTORS = [case for case in CASES if case.factors]
each_with_factors = pytest.mark.parametrize("case", WITH_FACTORS, ids=lambda case: case.name)


@each_with_factors
@pytest.mark.parametrize("n", [3, 100_000])
def test_x_is_resized_before_the_call_has_begun(case, n):
    """By the operand that is asked after it: what counts is what x is then."""
    operands = operands_for(case, np.float32, 3)
    x = operands["x"] = np.ones(3, np.float32)
    for name in case.arrays[:-1]:
        operands[name] = np.ones(1, np.float32)
    operands[last_of(case)] = Acts(lambda: x.resize(n, refcheck=False), n=1)
    for call in (case.call, case.call_ufunc):
        result = call(operands)
        assert result.shape == (n,)
        assert_same(result, case.expected({**operands, last_of(case): np.ones(1, np.float32)}))
        x.resize(3, refcheck=False)


@each_with_factors
def test_out_loses_its_memory_or_its_leave_before_the_call_has_begun(case):
    changes = {
        "shape": lambda out: out.resize(0, refcheck=False),
        "size": lambda out: out.resize(50_000, refcheck=False),
        "leave": lambda out: out.setflags(write=False),
    }
    for change in changes.values():
        out = np.full(3, 7, np.float32)
        operands = operands_for(case, np.float32, 3)
        operands[last_of(case)] = Acts(lambda out=out, change=change: change(out))
        with pytest.raises(ValueError, match=f"^{case.name}: |read-only|broadcast"):
            case.call(operands, out=out)
        assert set(out) <= {0, 7}


@each_function
def test_an_array_that_changes_what_it_gave_before(case):
    given = np.ones(3, np.float32)

    class Same:
        def __array__(self, dtype=None, copy=None):
            given[...] += 1
            return given

    operands = dict.fromkeys(case.operands, Same())
    result = case.call(operands)
    assert (given == 1 + len(case.operands)).all()
    assert_same(result, case.expected(dict.fromkeys(case.operands, given)))


@each_function
def test_calls_within_a_call(case):
    """Each asks for its operand, which makes the next one, until Python's own limit."""
    depth = []

    def again():
        if len(depth) < 5:
            depth.append(None)
            case.call(operands)

    operands = dict.fromkeys(case.operands, Acts(again))
    assert (case.call(operands) == 1).all()
    endless = dict.fromkeys(case.operands, Acts(lambda: case.call(endless)))
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(200)
        with pytest.raises(RecursionError):
            case.call(endless)
    finally:
        sys.setrecursionlimit(limit)


def test_numbers_that_act_when_they_are_cast():
    """In a process of its own: NumPy asks each object for its number amid the call."""
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

        class Mine(Exception):
            pass

        def fail():
            raise Mine

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
                        except (Mine, ValueError):
                            out.setflags(write=True)
                        assert set(out) <= {-1, 0, 1}
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
def test_a_limit_that_raises_or_lies_changes_nothing(limit):
    before = cyrelu.get_num_threads()
    wrong = {
        "raises": (Index(fail), Mine),
        "returns no integer": (Index(lambda: "2"), TypeError),
        "is too large for C": (Index(lambda: 2**64 + 1), ValueError),
        "is too large to print": (Index(lambda: 10**5000), ValueError),
        "raises for its name": (lying("__repr__", fail), Mine),
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


def test_blocks_that_were_not_entered():
    with pytest.raises(IndexError):
        cyrelu.num_threads(2).__exit__()
    with pytest.raises(AttributeError):
        cyrelu.num_threads.__new__(cyrelu.num_threads).__enter__()
