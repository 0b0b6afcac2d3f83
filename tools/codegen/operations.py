"""The table of operations: each is declared here, once, and nowhere else in the source.

What only repeats this table is generated from it (`make generate`). An operation's formula is in
src/cyrelu/scalar.pxd; what it must return is in tests/oracle.py and tests/test_edge_values.py,
which are never generated: a contract must not come from the same pen as the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dtypes import ALL_DTYPES, FLOATING, Dtype


def camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True)
class Operand:
    """One input of an operation: an array, or a factor, which may be a number."""

    name: str
    default: str | None = None  # of a factor, in the Python functions
    keyword_only: bool = False  # there; other factors come before out
    about: str = ""  # in the docstrings; what depends on the operation is in docstrings.py

    @property
    def is_factor(self) -> bool:
        return self.default is not None

    @property
    def enumerator(self) -> str:
        return self.name.upper()

    @property
    def tag(self) -> str:
        return camel_case(self.name)


GRAD = Operand("grad")
X = Operand("x")
Y = Operand("y")
NEGATIVE_SLOPE = Operand("negative_slope", default="0.01")
AT_ZERO = Operand("at_zero", default="1.0", keyword_only=True)

# In the order of the arguments of every operation.
OPERANDS = [GRAD, X, Y, NEGATIVE_SLOPE, AT_ZERO]

CITATIONS = {
    "Nair and Hinton": 'V. Nair and G. E. Hinton, "Rectified Linear Units Improve Restricted '
    'Boltzmann Machines", ICML 2010.',
    "Maas, Hannun and Ng": 'A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities '
    'Improve Neural Network Acoustic Models", ICML 2013.',
}


@dataclass(frozen=True)
class Edges:
    """The result by the value of x, or of x + y; a is the slope. inf is above, -inf below."""

    above: str
    zero: str
    below: str
    nan: str = "NaN"


@dataclass(frozen=True)
class Operation:
    """An elementwise function of some operands, and all that its documentation says of it alone.

    The order of the table is that of the C enumerators.
    """

    name: str
    operands: tuple[Operand, ...]
    summary: str  # of the docstring: what it is, a colon, what it computes
    edges: Edges
    equivalent: str  # in NumPy: "The NumPy equivalent is" goes before it, a period after it
    authors: str  # whose rectifier it is: a key of CITATIONS
    examples: str
    see_also: dict[str, str] = field(default_factory=dict)  # besides its gradients, or its function
    notes: str = ""
    dtypes: tuple[Dtype, ...] = FLOATING  # that it has loops for
    # The loop that chooses among the bits of 16-bit floats (floats16.pxd) knows it, which is faster
    # than by way of float, as all others are computed.
    selects: bool = False
    domain: str = ""  # the numbers that it returns, where that is not any number
    row: Operand | None = (
        None  # what the kernels named _rows_ have one row of; None: no such kernel
    )
    forward: str | None = None  # of a gradient or a backward pass: the function it belongs to
    # What stands for at_zero where x is the output of the forward pass: "0.0", or the name of a
    # factor; None: there is no keyword from_output.
    from_output: str | None = None
    at_zero_elsewhere: str = ""  # which at_zero is whose convention

    @property
    def enumerator(self) -> str:
        return self.name.upper()

    @property
    def tag(self) -> str:
        return camel_case(self.name)

    @property
    def arrays(self) -> list[Operand]:
        return [operand for operand in self.operands if not operand.is_factor]

    @property
    def factors(self) -> list[Operand]:
        return [operand for operand in self.operands if operand.is_factor]

    @property
    def takes_integers(self) -> bool:
        """Whether it computes in integer types; where not, they are cast to float64."""
        return any(dtype.is_integer for dtype in self.dtypes)

    @property
    def adds(self) -> bool:
        return Y in self.operands

    @property
    def rectified(self) -> str:
        """What the rectifier is applied to."""
        return "x + y" if self.adds else "x"

    @property
    def array_row(self) -> Operand | None:
        return None if self.row in self.factors else self.row

    @property
    def factor_row(self) -> Operand | None:
        return self.row if self.row in self.factors else None

    @property
    def factors_before_out(self) -> list[Operand]:
        return [factor for factor in self.factors if not factor.keyword_only]

    @property
    def factors_after_out(self) -> list[Operand]:
        return [factor for factor in self.factors if factor.keyword_only]


RELU_AT_ZERO = "0 is the convention of PyTorch, TensorFlow and scikit-learn."
LEAKY_RELU_AT_ZERO = "`negative_slope` is the convention of PyTorch and TensorFlow."

OPERATIONS = [
    Operation(
        "relu",
        (X,),
        summary="Rectified linear unit: x where x > 0, else 0.",
        edges=Edges("x", "+0.0", "+0.0"),
        selects=True,
        domain="numbers from 0 on",
        equivalent="``np.maximum(x, 0)``, except for the sign of zero, which NumPy leaves open",
        authors="Nair and Hinton",
        dtypes=ALL_DTYPES,
        see_also={"leaky_relu": "Lets a small slope through below zero."},
        examples="""\
>>> x = np.array([1.0, -10.0, 0.0, 15.0, -20.0])
>>> cyrelu.relu(x)
array([ 1.,  0.,  0., 15.,  0.])
>>> cyrelu.relu(x, out=x) is x
True
""",
    ),
    Operation(
        "leaky_relu",
        (X, NEGATIVE_SLOPE),
        summary="Leaky rectified linear unit: x where x > 0, else negative_slope * x.",
        edges=Edges("x", "a * x", "a * x"),
        selects=True,
        row=NEGATIVE_SLOPE,
        notes="The product is rounded once, in the dtype of the result. A slope of 0 selects +0.0 "
        "and does not multiply, so ``leaky_relu(-inf, 0)`` is 0.",
        equivalent="``np.where(x > 0, x, negative_slope * x)``",
        authors="Maas, Hannun and Ng",
        see_also={"relu": "The same with a slope of 0, bit for bit."},
        examples="""\
>>> cyrelu.leaky_relu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([ 1. , -0.1,  0. , 15. , -0.2])

One slope for each column:

>>> cyrelu.leaky_relu(np.array([[-1.0, -1.0], [2.0, 2.0]]), np.array([0.5, 0.25]))
array([[-0.5 , -0.25],
       [ 2.  ,  2.  ]])
""",
    ),
    Operation(
        "relu_grad",
        (X, AT_ZERO),
        forward="relu",
        summary="Derivative of relu: 1 where x > 0, at_zero at 0, else 0.",
        edges=Edges("1", "at_zero", "+0.0"),
        selects=True,
        domain="0, 1 and `at_zero`",
        equivalent="``np.heaviside(x, at_zero)``",
        authors="Nair and Hinton",
        at_zero_elsewhere=RELU_AT_ZERO,
        examples="""\
>>> cyrelu.relu_grad(np.array([2.0, 0.0, -2.0]))
array([1., 1., 0.])
>>> cyrelu.relu_grad(np.array([2.0, 0.0, -2.0]), at_zero=0)
array([1., 0., 0.])
""",
    ),
    Operation(
        "leaky_relu_grad",
        (X, NEGATIVE_SLOPE, AT_ZERO),
        forward="leaky_relu",
        summary="Derivative of leaky_relu: 1 where x > 0, at_zero at 0, else negative_slope.",
        edges=Edges("1", "at_zero", "a"),
        selects=True,
        domain="1, `at_zero` and slopes",
        row=NEGATIVE_SLOPE,
        equivalent="``np.where(x < 0, negative_slope, np.heaviside(x, at_zero))``",
        authors="Maas, Hannun and Ng",
        at_zero_elsewhere=LEAKY_RELU_AT_ZERO,
        examples="""\
>>> cyrelu.leaky_relu_grad(np.array([2.0, 0.0, -2.0]))
array([1.  , 1.  , 0.01])
""",
    ),
    Operation(
        "relu_backward",
        (GRAD, X, AT_ZERO),
        forward="relu",
        summary="Gradient passed back through relu: grad where x > 0, at_zero * grad at 0, else 0.",
        edges=Edges("grad", "at_zero * grad", "+0.0"),
        selects=True,
        from_output="0.0",
        notes="It selects and never multiplies by a mask: an inf or NaN gradient at a dead unit is "
        "blocked. A factor of 0 selects +0.0, a factor of 1 `grad` as it is.",
        equivalent="``np.where(x > 0, grad, np.where(x == 0, at_zero * grad, 0))``, which loses a "
        "NaN in `x`",
        authors="Nair and Hinton",
        at_zero_elsewhere=RELU_AT_ZERO,
        examples="""\
>>> grad = np.array([10.0, 20.0, np.inf])
>>> cyrelu.relu_backward(grad, np.array([2.0, 0.0, -2.0]))
array([10., 20.,  0.])
""",
    ),
    Operation(
        "leaky_relu_backward",
        (GRAD, X, NEGATIVE_SLOPE, AT_ZERO),
        forward="leaky_relu",
        summary="Gradient passed back through leaky_relu: grad times 1, at_zero or negative_slope.",
        edges=Edges("grad", "at_zero * grad", "a * grad"),
        selects=True,
        row=NEGATIVE_SLOPE,
        from_output="negative_slope",
        notes="It selects and never multiplies by a mask. A factor of 0 selects +0.0, a factor of "
        "1 `grad` as it is.",
        equivalent="``grad * np.where(x < 0, negative_slope, np.heaviside(x, at_zero))``, except "
        "for those selections",
        authors="Maas, Hannun and Ng",
        at_zero_elsewhere=LEAKY_RELU_AT_ZERO,
        examples="""\
>>> cyrelu.leaky_relu_backward(np.array([10.0, 20.0, 30.0]), np.array([2.0, 0.0, -2.0]))
array([10. , 20. ,  0.3])
""",
    ),
    Operation(
        "add_relu",
        (X, Y),
        summary="Rectified sum, in one pass: x + y where x + y > 0, else 0.",
        edges=Edges("x + y", "+0.0", "+0.0"),
        selects=True,
        domain="numbers from 0 on",
        row=Y,
        notes="The sum is that of `numpy.add`: rounded once, in the dtype of the result; integers "
        "wrap around, and two bools are joined by or. It raises no warning. `y` is the bias of a "
        "layer, one for each column, ``(n,)``, or for each channel, ``(c, 1, 1)``, or a residual "
        "of the shape of `x`.",
        equivalent="``np.maximum(np.add(x, y), 0)``, except for the sign of zero, which NumPy "
        "leaves open",
        authors="Nair and Hinton",
        dtypes=ALL_DTYPES,
        see_also={
            "relu": "Without the sum.",
            "add_leaky_relu": "Lets a small slope through below zero.",
        },
        examples="""\
>>> h = np.array([[1.0, -2.0], [-3.0, 4.0]])
>>> bias = np.array([0.5, 0.5])
>>> cyrelu.add_relu(h, bias)
array([[1.5, 0. ],
       [0. , 4.5]])
>>> cyrelu.add_relu(h, bias, out=h) is h
True
""",
    ),
    Operation(
        "add_leaky_relu",
        (X, Y, NEGATIVE_SLOPE),
        summary="Leaky rectified sum, in one pass: x + y where x + y > 0, else "
        "negative_slope * (x + y).",
        edges=Edges("x + y", "a * (x + y)", "a * (x + y)"),
        selects=True,
        row=Y,
        notes="The sum is that of `numpy.add`, and rounded before it is multiplied; so the result "
        "has the bits of ``leaky_relu(np.add(x, y), negative_slope)``.",
        equivalent="``np.where(x + y > 0, x + y, negative_slope * (x + y))``",
        authors="Maas, Hannun and Ng",
        see_also={
            "leaky_relu": "Without the sum.",
            "add_relu": "The same with a slope of 0, bit for bit.",
        },
        examples="""\
>>> cyrelu.add_leaky_relu(np.array([1.0, -10.0, 0.0]), 1.0, 0.5)
array([ 2. , -4.5,  1. ])
""",
    ),
]


def family_of(operation: Operation) -> list[Operation]:
    """The function, its gradient and its backward pass."""
    root = operation.forward or operation.name
    return [each for each in OPERATIONS if root in (each.name, each.forward)]


def taken_by(operand: Operand) -> list[Operation]:
    return [operation for operation in OPERATIONS if operand in operation.operands]
