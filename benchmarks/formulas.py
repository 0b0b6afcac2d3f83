"""The expressions of each package that are timed.

An operation has expressions with a new result, expressions that write to `out`, and expressions
that only work in place. In place, the expressions with `out` are timed too; the array that is
overwritten replaces `out`. preparations.py defines what the names mean to a package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cells import DTYPES, OPS, RECTIFIERS, SHAPES, SUMS, Cell

Formulas = dict[str, dict[str, list[str]]]


def called(function: str, ops: Iterable[str] = (*RECTIFIERS, *SUMS), result: str = "") -> Formulas:
    """Every operation as a call of a function, in whose name `{op}` is the operation."""
    table = {}
    for op in ops:
        name, arguments = function.format(op=op), ", ".join(OPS[op].arguments)
        table[op] = {
            "fresh": [f"{name}({arguments}){result}"],
            "out": [f"{name}({arguments}, out=out){result}"],
        }
    return table


def only(output: str, table: Formulas) -> Formulas:
    return {op: {output: by_output[output]} for op, by_output in table.items()}


CYRELU = called("cyrelu.{op}")
CYRELU["prelu"] = CYRELU["leaky_relu"]
CYRELU["relu_then_sum"] = {"out": ["cyrelu.relu(x, out=out).sum()"]}

NUMPY: Formulas = {
    "relu": {
        "fresh": [
            "np.maximum(x, 0)",
            "np.maximum(x, zero)",
            "np.clip(x, 0, inf)",
            "x * (x > 0)",
            "np.where(x > 0, x, 0)",
        ],
        "out": [
            "np.maximum(x, 0, out=out)",
            "np.maximum(x, zero, out=out)",
            "np.clip(x, 0, inf, out=out)",
            "np.multiply(x, x > 0, out=out)",
        ],
    },
    "leaky_relu": {
        "fresh": ["np.where(x > 0, x, a * x)", "np.maximum(x, a * x)"],
        "out": [
            "np.copyto(out, np.where(x > 0, x, a * x))",
            "np.maximum(x, a * x, out=out)",
        ],
        "in place": ["np.multiply(x, a, out=x, where=x <= 0)"],
    },
    "relu_grad": {
        "fresh": ["(x >= 0).astype(x.dtype)", "np.where(x >= 0, one, zero)", "np.heaviside(x, 1)"],
        "out": ["np.greater_equal(x, 0, out=out)", "np.heaviside(x, 1, out=out)"],
    },
    "leaky_relu_grad": {
        "fresh": ["np.where(x >= 0, one, a_typed)"],
        "out": ["np.copyto(out, np.where(x >= 0, one, a_typed))"],
    },
    "relu_backward": {
        "fresh": ["np.where(x >= 0, grad, zero)", "grad * (x >= 0)"],
        "out": ["np.multiply(grad, x >= 0, out=out)"],
    },
    "leaky_relu_backward": {
        "fresh": ["np.where(x >= 0, grad, a * grad)"],
        "out": ["np.copyto(out, np.where(x >= 0, grad, a * grad))"],
        "in place": ["np.multiply(grad, a, out=grad, where=x < 0)"],
    },
    "prelu": {
        "fresh": ["np.where(x > 0, x, a * x)", "np.maximum(x, a * x)"],
        "out": ["np.maximum(x, a * x, out=out)"],
    },
    "relu_then_sum": {"out": ["np.maximum(x, 0, out=out).sum()"]},
    "add_relu": {
        "fresh": ["np.maximum(x + y, 0)"],
        "out": ["np.maximum(np.add(x, y, out=out), 0, out=out)"],
    },
    "add_leaky_relu": {
        "fresh": ["np.maximum((z := x + y), a * z)"],
        "out": ["np.maximum(np.add(x, y, out=out), a * out, out=out)"],
    },
}

# The same choice for numexpr, numba and JAX; zero, one and a are of the dtype of x.
CHOICES = {  # condition, result where it is true, result elsewhere
    "relu": ("x > 0", "x", "zero"),
    "leaky_relu": ("x > 0", "x", "a * x"),
    "prelu": ("x > 0", "x", "a * x"),
    "relu_grad": ("x >= 0", "one", "zero"),
    "leaky_relu_grad": ("x >= 0", "one", "a"),
    "relu_backward": ("x >= 0", "grad", "zero"),
    "leaky_relu_backward": ("x >= 0", "grad", "a * grad"),
    "add_relu": ("x + y > 0", "x + y", "zero"),
    "add_leaky_relu": ("x + y > 0", "x + y", "a * (x + y)"),
}

NUMEXPR: Formulas = {
    op: {
        "fresh": [f'evaluate("where({", ".join(choice)})")'],
        "out": [f'evaluate("where({", ".join(choice)})", out=out)'],
    }
    for op, choice in CHOICES.items()
}

CHOOSING = [op for op in (*RECTIFIERS, *SUMS) if op in CHOICES]

NUMBA = called("vectorized", CHOOSING)
NUMBA["prelu"] = NUMBA["leaky_relu"]
NUMBA_LOOP = only("out", called("parallel_loop", [op for op in CHOOSING if op not in SUMS]))

TORCH: Formulas = {
    "relu": {
        "fresh": ["torch.relu(x)"],
        "out": ["torch.clamp_min(x, 0, out=out)"],
        "in place": ["torch.relu_(x)"],
    },
    "leaky_relu": {
        "fresh": ["torch.nn.functional.leaky_relu(x, a)", "torch._C._nn.leaky_relu(x, a)"],
        "out": ["torch._C._nn.leaky_relu(x, a, out=out)"],
        "in place": ["torch.nn.functional.leaky_relu_(x, a)"],
    },
    "relu_grad": {
        "fresh": ["(x >= 0).to(x.dtype)"],
        "out": ["torch.ge(x, 0, out=out)"],
    },
    "leaky_relu_grad": {
        "fresh": ["torch.where(x >= 0, one, a_typed)"],
        "out": ["torch.where(x >= 0, one, a_typed, out=out)"],
    },
    "relu_backward": {
        "fresh": ["aten.threshold_backward.default(grad, x, 0)"],
        "out": ["aten.threshold_backward.grad_input(grad, x, 0, grad_input=out)"],
    },
    "leaky_relu_backward": {
        "fresh": ["aten.leaky_relu_backward.default(grad, x, a, False)"],
        "out": ["aten.leaky_relu_backward.grad_input(grad, x, a, False, grad_input=out)"],
    },
    "prelu": {"fresh": ["torch.prelu(x, a)"]},
    "relu_then_sum": {"out": ["torch.clamp_min(x, 0, out=out).numpy().sum()"]},
    "add_relu": {
        "fresh": ["torch.relu_(x + y)"],
        "out": ["torch.relu_(torch.add(x, y, out=out))"],
    },
    "add_leaky_relu": {
        "fresh": ["torch.nn.functional.leaky_relu_(x + y, a)"],
        "out": ["torch.nn.functional.leaky_relu_(torch.add(x, y, out=out), a)"],
    },
}

JAX = only("fresh", called("jitted", CHOOSING, ".block_until_ready()"))
JAX["prelu"] = JAX["leaky_relu"]

ONNX_RUNTIME: Formulas = {
    op: {"fresh": ["session.run(None, feed)[0]"], "out": ["session.run_with_iobinding(binding)"]}
    for op in ("relu", "leaky_relu")
}

THINC: Formulas = {
    "relu": {"fresh": ["ops.relu(x)"], "in place": ["ops.relu(x, inplace=True)"]},
    "relu_backward": {
        "fresh": ["ops.backprop_relu(grad, x)"],
        "in place": ["ops.backprop_relu(grad, x, inplace=True)"],
    },
}


def limits(cell: Cell) -> list[str]:
    """Expressions that no implementation can beat by much."""
    if cell.op == "relu_then_sum":
        return ["(np.copyto(out, x), out.sum())"]
    if cell.op in SUMS and cell.output == "in place":
        return ["cyrelu.relu(x, out=x)"]
    tiny, all_threads = cell.size <= 1000, cell.threads == "all"
    flat = cell.size >= 10_000 and cell.layout == "contiguous" and cell.op != "prelu"
    flat = flat and cell.dtype in DTYPES and cell.layout not in SHAPES
    out = "" if cell.output == "fresh" else ", out=out"
    wanted = {
        "np.empty_like(x)": cell.output == "fresh" and tiny,
        f"limits.empty_call(x{out})": tiny,
        "x.copy()": cell.output == "fresh",
        "np.copyto(out, x)": cell.output == "out",
        "limits.copy(x, out, threads)": cell.output == "out" and flat and all_threads,
        "limits.stream_copy(x, out, threads)": cell.output == "out" and flat,
        "limits.scale(x, 1.0, threads)": cell.output == "in place" and flat,
    }
    return [formula for formula, applies in wanted.items() if applies]


def for_cell(formulas: Formulas, cell: Cell) -> list[str]:
    by_output = formulas.get(cell.op, {})
    if cell.output != "in place":
        return by_output.get(cell.output, [])
    overwritten = [in_place(formula, cell) for formula in by_output.get("out", [])]
    return overwritten + by_output.get("in place", [])


def in_place(formula: str, cell: Cell) -> str:
    """The formula in which the array that is overwritten replaces out."""
    return re.sub(r"(?<!\.)\bout\b(?!=)", cell.in_place_name, formula)
