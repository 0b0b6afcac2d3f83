"""The functions inside functions that Numba compiles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from layout import GENERATED, WIDTH, bracketed
from numba_formulas import translate
from operations import OPERATIONS, Operation

SCALAR = Path(__file__).resolve().parents[2] / "src/cyrelu/scalar.pxd"


def formulas_py() -> str:
    text = f"""\
{GENERATED}
\"\"\"The formulas of scalar.pxd for Numba, which compiles Python: those of one type.\"\"\"

# Numba has no types, and need not be installed.
# mypy: ignore-errors

from __future__ import annotations

import math

from numba import njit, types


def compile_lazily(signature):
    \"\"\"When it is called first, with the flags of no caller; it divides as C does.\"\"\"

    def compile(function):
        dispatcher = njit(fastmath=False, error_model="numpy")(function)
        dispatcher.signature = signature
        return dispatcher

    return compile


{translate(SCALAR.read_text(encoding="utf-8"))}"""
    text = text if "math." in text else text.replace("import math\n\n", "")
    ruff = [sys.executable, "-m", "ruff", "format", "--quiet", f"--line-length={WIDTH}", "-"]
    laid_out = subprocess.run(ruff, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return laid_out.stdout.removesuffix("\n")


def overloads_py() -> str:
    functions = "\n\n\n".join(overload(operation) for operation in OPERATIONS)
    return f"""\
{GENERATED}
\"\"\"The signatures of the functions, which Numba asks with types: what it compiles for them.\"\"\"

# Numba has no types, and need not be installed.
# mypy: ignore-errors

from __future__ import annotations

from numba.extending import overload

import cyrelu
from cyrelu._numba.resolution import is_none, resolve


{functions}"""


def overload(operation: Operation) -> str:
    parameters = [
        *(array.name for array in operation.arrays),
        *(f"{factor.name}={factor.default}" for factor in operation.factors_before_out),
        "out=None",
        *(f"{factor.name}={factor.default}" for factor in operation.factors_after_out),
    ]
    operands = [*operation.arrays, *operation.factors]
    given = [mapping(group) for group in (operation.arrays, operation.factors)]
    casts = [f"as_{operand.name}" for operand in operands]
    cast = [f"as_{operand.name}({operand.name}, out)" for operand in operands]
    head = bracketed(f"def {operation.name}(", parameters, "):")
    inner = bracketed("def implementation(", parameters, "):", " " * 4)
    with_out = inner.replace("def implementation(", "def implementation_with_out(")
    return "\n".join(
        [
            f"@overload(cyrelu.{operation.name})",
            head,
            bracketed(
                f"loop, {', '.join(casts)} = resolve(",
                [f'"{operation.name}"', *given, "out"],
                ")",
                " " * 4,
            ),
            "",
            inner,
            bracketed("return loop(", cast, ")", " " * 8),
            "",
            with_out,
            bracketed("return loop(", [*cast, "out"], ")", " " * 8),
            "",
            "    return implementation if is_none(out) else implementation_with_out",
        ]
    )


def mapping(operands: list) -> str:
    return "{" + ", ".join(f'"{each.name}": {each.name}' for each in operands) + "}"
