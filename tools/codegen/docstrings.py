"""The docstrings of the functions: shared parts are written once, here.

What an operation says for itself alone is in its row of the table.
"""

from __future__ import annotations

import textwrap

from layout import WIDTH
from operations import (
    AT_ZERO,
    CITATIONS,
    GRAD,
    NEGATIVE_SLOPE,
    Operand,
    Operation,
    X,
    Y,
    family_of,
)

INDENT = " " * 4
KEYWORDS = ["where=True", 'casting="same_kind"', 'order="K"', "dtype=None", "subok=True"]


def docstring(operation: Operation, signature: str) -> str:
    """The docstring with its quotes, indented for the body of a function.

    It begins with the signature, as those of all built-in functions, which Python takes from there.
    """
    sections = [
        operation.summary,
        section("Parameters", *parameters(operation)),
        section("Returns", entry("ndarray or scalar", returns(operation))),
        section("Raises", *raises(operation)),
        section(
            "See Also", *(filled(f"{a} : {b}", INDENT) for a, b in see_also(operation).items())
        ),
        section("Notes", notes(operation)),
        section("References", reference(operation)),
        section("Examples", f">>> import numpy as np\n>>> import cyrelu\n{operation.examples}"),
    ]
    text = "\n\n".join(part.strip() for part in sections)
    lines = textwrap.wrap(f'"""{signature}', WIDTH - len(INDENT) - len("\\n--\\n\\n\\"))
    head = " \\\n".join(lines) + "\\n--\\n\\n\\"
    return textwrap.indent(f'{head}\n{text}\n"""', INDENT)


def section(title: str, *entries: str) -> str:
    return "\n".join([title, "-" * len(title), *entries])


def entry(head: str, text: str) -> str:
    return f"{head}\n{filled(text, INDENT, INDENT)}"


def filled(text: str, later: str = "", first: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH - len(INDENT),
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def parameters(operation: Operation) -> list[str]:
    heads = {GRAD: "grad : array_like", X: "x : array_like, any shape", Y: "y : array_like"}
    entries = {
        operand: entry(
            heads.get(operand, f"{operand.name} : float or array_like, default {operand.default}"),
            about(operand, operation),
        )
        for operand in operation.operands
    }
    out = entry(
        "out : ndarray, optional",
        f"A location into which the result is stored; may be {names(operation.arrays, 'or')} (in "
        "place). It must have a shape that the inputs broadcast to. By default a new array is "
        "returned.",
    )
    keywords = ", ".join(keyword.partition("=")[0] for keyword in KEYWORDS)
    before_out = [text for operand, text in entries.items() if not operand.keyword_only]
    after_out = [text for operand, text in entries.items() if operand.keyword_only]
    return [
        *before_out,
        out,
        *after_out,
        *([from_output(operation)] if operation.from_output else []),
        entry(f"{keywords} : optional", "As for every NumPy ufunc (`numpy.ufunc`)."),
    ]


def from_output(operation: Operation) -> str:
    text = (
        f"Whether `x` is the output of the forward pass, as after ``{operation.forward}(x, "
        "out=x)``. An output of 0 does not tell whether the input was 0 or below, so `at_zero` has "
        "no say: the result is that "
    )
    if operation.from_output == NEGATIVE_SLOPE.name:
        text += "with ``at_zero=negative_slope``, and each slope has to be above 0 and finite."
    else:
        text += f"with ``at_zero={operation.from_output}``."
    return entry("from_output : bool, default False", text)


def about(operand: Operand, operation: Operation) -> str:
    if operand is GRAD:
        return (
            f"Gradient with respect to the output of `{operation.forward}`. It broadcasts against "
            "`x`."
        )
    if operand is Y:
        return "What is added to `x`; it broadcasts against `x`, and `x` against it."
    if operand is X:
        role = "Input"
        if operation.forward is not None:
            role = "Input of the forward pass"
            if operation.from_output:
                role += ", or its output (see `from_output`)"
        return f"{role}; {floats(operation)}, {integers(operation)}."
    if operand is NEGATIVE_SLOPE:
        text = "Slope below zero: any real number, or an array that broadcasts against `x`"
        if operation.forward is not None:
            return f"{text}."
        return (
            f"{text} (one slope for each channel is PReLU). A Python number takes the dtype of a "
            "floating `x`."
        )
    if operand is AT_ZERO:
        value = (
            "The derivative at +0.0 and -0.0, where it does not exist."
            if GRAD in operation.operands
            else "The value at +0.0 and -0.0, where the derivative does not exist."
        )
        return f"{value} {operation.at_zero_elsewhere}"
    if not operand.about:
        raise ValueError(f"operations.py: the operand {operand.name} says nothing about itself")
    return operand.about


def floats(operation: Operation) -> str:
    names = [each.name for each in operation.dtypes if each.kind == "f" and not each.of_ml_dtypes]
    of_ml_dtypes = [each.name for each in operation.dtypes if each.of_ml_dtypes]
    return f"{', '.join(names)} or ml_dtypes' {' and '.join(of_ml_dtypes)}"


def integers(operation: Operation) -> str:
    if operation.adds and operation.takes_integers:
        return "bool or an integer type, which `numpy.add` would keep, too"
    if operation.takes_integers:
        return "bool or an integer type, which all stay as they are"
    return "or bool or an integer type, which are cast to float64"


def returns(operation: Operation) -> str:
    alone = len(operation.operands) == 1
    what = ": the gradient with respect to `x`" if GRAD in operation.operands else ""
    dtype = "of the dtype of `x`"
    if len(operation.arrays) > 1:
        both = names(operation.arrays, "and")
        dtype = f"of the dtype of {both}, or the one to which both cast safely"
    if not operation.takes_integers:
        dtype += "; float64 if all inputs are bool or integers"
    domain = f" Its values are {operation.domain}, and NaN." if operation.domain else ""
    return (
        f"`out`, or a new array{what}; {dtype}.{domain} A scalar if "
        f"{'`x` is one' if alone else 'all inputs are'}. Other array types (pandas, xarray, dask, "
        "masked arrays) are returned as the same type."
    )


def raises(operation: Operation) -> list[str]:
    shapes = "`out` is read-only or of the wrong shape"
    if len(operation.operands) > 1:
        shapes = f"the shapes do not broadcast, or {shapes}"
    if operation.from_output == NEGATIVE_SLOPE.name:
        shapes += "; or if `from_output` is true and a slope is not above 0, or not finite"
    return [
        entry(
            "TypeError",
            f"If {names(operation.operands, 'or')} is complex, longdouble, object, string, "
            "datetime, or of another type of ml_dtypes; if `dtype` is; or if the "
            "result cannot be cast to the dtype of `out`.",
        ),
        entry("ValueError", f"If {shapes}."),
    ]


def notes(operation: Operation) -> str:
    same_bits = (
        "The result has the same bits for every length, memory layout and number of threads; "
        "subnormals are kept. Only casts by NumPy, as of a factor too large for float32, raise "
        "floating-point warnings."
    )
    equivalent = (
        f"The NumPy equivalent is {operation.equivalent}. The rectifier is that of "
        f"{operation.authors} [1]_."
    )
    if operation.factors:
        same_bits += (
            " Products of 16-bit floats are computed in float32 and rounded once, to nearest even."
        )
    slope = "Here a is `negative_slope`." if NEGATIVE_SLOPE in operation.operands else ""
    paragraphs = [slope, f"{operation.notes} {same_bits}".strip(), equivalent]
    return "\n\n".join([edge_table(operation), *map(filled, filter(None, paragraphs))])


def edge_table(operation: Operation) -> str:
    edges = operation.edges
    arguments = ", ".join(array.name for array in operation.arrays)
    x = operation.rectified
    rows = [
        [x, f"{x} > 0", "+0.0, -0.0", f"{x} < 0", "NaN"],
        [f"{operation.name}({arguments})", edges.above, edges.zero, edges.below, edges.nan],
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruler = " ".join("=" * width for width in widths)
    lines = [
        " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([ruler, lines[0], ruler, lines[1], ruler])


def see_also(operation: Operation) -> dict[str, str]:
    others = [each for each in family_of(operation) if each is not operation]
    if operation.forward is None:
        names = ", ".join(each.name for each in others)
        gradients = {names: "The derivative, and its product with a gradient."} if others else {}
        return operation.see_also | gradients
    is_backward = GRAD in operation.operands
    of_function = "The forward pass." if is_backward else "The function itself."
    of_other = (
        "The derivative alone." if is_backward else "The product with a gradient, in one pass."
    )
    return operation.see_also | {
        each.name: of_function if each.forward is None else of_other for each in others
    }


def reference(operation: Operation) -> str:
    return filled(f".. [1] {CITATIONS[operation.authors]}", " " * 3)


def names(operands: list[Operand] | tuple[Operand, ...], word: str) -> str:
    """`x`; `grad` or `x`; `grad`, `x` or `at_zero`."""
    *first, last = (f"`{operand.name}`" for operand in operands)
    return f"{', '.join(first)} {word} {last}" if first else last
