"""What the docs tell people to write holds for infinities, NaN and zeros, too.

The recipes are read from the pages and from the docstrings, and run with edge values as input.
"""

import doctest
import inspect
import itertools
import re
from pathlib import Path

import numpy as np
import oracle
import pytest
from cases import each_function
from oracle import assert_same

import cyrelu

DOCS = Path(__file__).resolve().parents[1] / "docs"
EDGES = [np.inf, -np.inf, np.nan, 0.0, -0.0, 2.5, -2.5]
PAIRS = np.array(list(itertools.product(EDGES, EDGES))).T  # each edge value with each


def run_recipe(page, containing, **names):
    """Run the lines of a page that contain one of these texts; the value of the last of them."""
    text = re.sub("^```.*$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_examples(text)
    lines = [each.source for each in examples if any(part in each.source for part in containing)]
    assert len(lines) == len(containing), "a line of the page has changed"
    names |= {"np": np, "cyrelu": cyrelu}
    for line in lines[:-1]:
        exec(line, names)
    return eval(lines[-1].strip(), names)


def gradient_of_slopes(grad, x):
    """The slope is used below zero; an error in the data (NaN) stays visible."""
    return np.where(x < 0, grad * x, np.where(np.isnan(x), x, 0.0)).sum(axis=0)


# The page, its lines, and from arrays of grad and x: the names in the recipe, and the right answer.
RECIPES = {
    "PReLU": (
        "howto/prelu.md",
        ["cyrelu.leaky_relu(x, slopes)"],
        lambda grad, x: {"x": x, "slopes": np.full(x.shape[1], 0.5)},
        lambda grad, x: oracle.leaky_relu(x, np.float64(0.5)),
    ),
    "PReLU of images": (
        "howto/prelu.md",
        ["slopes[:, None, None]"],
        lambda grad, x: {"images": x[None, :, None, :], "slopes": np.full(2, 0.5)},  # 2 channels
        lambda grad, x: oracle.leaky_relu(x, np.float64(0.5)),
    ),
    "PReLU's gradient for the layer below": (
        "howto/prelu.md",
        ["cyrelu.prelu_backward(grad, x, slopes)", "# for the layer below"],
        lambda grad, x: {"grad": grad, "x": x, "slopes": np.full(x.shape[1], 0.5)},
        lambda grad, x: oracle.leaky_relu_backward(grad, x, np.float64(0.5)),
    ),
    "PReLU's gradient for the slopes": (
        "howto/prelu.md",
        ["cyrelu.prelu_backward(grad, x, slopes)", "grad_slopes\n"],
        lambda grad, x: {"grad": grad, "x": x, "slopes": np.full(x.shape[1], 0.5)},
        gradient_of_slopes,
    ),
    "in place": (
        "howto/out.md",
        ["cyrelu.relu(x, out=x)"],
        lambda grad, x: {"x": x.copy()},
        lambda grad, x: oracle.relu(x),
    ),
    "a backward pass in place": (
        "howto/out.md",
        ["cyrelu.leaky_relu_backward(grad, received, out=grad)"],
        lambda grad, x: {"grad": grad.copy(), "received": x},
        lambda grad, x: oracle.leaky_relu_backward(grad, x, np.float64(0.01), np.float64(1)),
    ),
    "the gradient that reaches a bias": (
        "tutorial/en.md",
        ["cyrelu.relu_backward(wanted_change, received).sum()"],
        lambda grad, x: {"wanted_change": grad[0, -14:], "received": np.full(14, -2.0)},
        lambda grad, x: np.float64(0),
    ),
}


@pytest.mark.skipif(not DOCS.exists(), reason="the tests run without the source tree")
@pytest.mark.parametrize(("page", "lines", "names", "right"), RECIPES.values(), ids=RECIPES)
def test_a_recipe_holds_for_edge_values(page, lines, names, right):
    grad, x = (np.stack([each, np.full_like(each, 3)]) for each in PAIRS)  # two examples
    with np.errstate(invalid="ignore"):
        expected = right(grad, x)
        result = run_recipe(page, lines, **names(grad, x))
    assert_same(result, expected)


@each_function
def test_the_numpy_equivalent_of_the_docstring(case):
    """With the default factors: of other factors and of the sign of zero the docstrings speak."""
    words = " ".join(inspect.getdoc(case.function).split())
    [equivalent] = re.findall(r"The NumPy equivalent is ``(.*?)``", words)
    other, x = PAIRS
    operands = dict.fromkeys(case.arrays, other) | {"x": x} | case.defaults
    with np.errstate(invalid="ignore"):
        expected = eval(equivalent, {"np": np, **operands})
    result = case.call(operands)
    lost = np.isnan(x) if "loses a NaN in `x`" in words else np.zeros(x.shape, bool)
    np.testing.assert_array_equal(result[~lost], expected[~lost])
    assert np.isnan(result[lost]).all()
