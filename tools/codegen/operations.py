"""The table of operations: each is declared here, once, and nowhere else in the source.

What only repeats this table is generated from it (`make generate`). An operation's formula is in
src/cyrelu/scalar.pxd; what it must return is in tests/oracle.py and tests/test_edge_values.py,
which are never generated: a contract must not come from the same pen as the code.
"""

from __future__ import annotations

from dataclasses import dataclass


def camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True)
class Operand:
    """One input of an operation: an array, or a factor, which may be a number."""

    name: str
    default: str | None = None  # of a factor, in the Python functions

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
NEGATIVE_SLOPE = Operand("negative_slope", default="0.01")
AT_ZERO = Operand("at_zero", default="1.0")

# In the order of the arguments of every operation.
OPERANDS = [GRAD, X, NEGATIVE_SLOPE, AT_ZERO]


@dataclass(frozen=True)
class Operation:
    """An elementwise function of some operands."""

    name: str
    operands: tuple[Operand, ...]

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


OPERATIONS = [
    Operation("relu", (X,)),
    Operation("leaky_relu", (X, NEGATIVE_SLOPE)),
    Operation("relu_grad", (X, AT_ZERO)),
    Operation("leaky_relu_grad", (X, NEGATIVE_SLOPE, AT_ZERO)),
    Operation("relu_backward", (GRAD, X, AT_ZERO)),
    Operation("leaky_relu_backward", (GRAD, X, NEGATIVE_SLOPE, AT_ZERO)),
]
