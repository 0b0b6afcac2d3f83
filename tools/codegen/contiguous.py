"""The loop, over contiguous typed memoryviews: what in it repeats the table of operands."""

from __future__ import annotations

from collections.abc import Sequence

from dtypes import BOOL, FLOATS, INTEGERS, Dtype
from layout import GENERATED, bracketed, cimport
from loops import FACTORS
from operations import OPERANDS, Operand, X, taken_by

FUSED_TYPES = ["Factors", "Floats", "Integers", "Op", "Tag", "TakesIntegers"]
CONTIGUOUS_PXD = f"""\
{GENERATED}
# The loop: over contiguous typed memoryviews, for every operation, kind of factors and C type.
# Cython stamps out a copy for each, which the compiler vectorises. Here is what repeats the table
# of operands: what a loop reads, and how it gets its typed memoryviews.
#
# In place, a loop gets one pointer twice. Told so, compilers see that each element depends on
# itself alone; left to compare the pointers of two views, clang and MSVC take equal ones for an
# overlap and fall back to one element at a time (4x slower).

from cython cimport floating
{cimport("libc.stdint", [dtype.c_type for dtype in INTEGERS])}

cimport cyrelu._loops.tags as tags
from cyrelu._loops.dtypes cimport integer
{cimport("cyrelu._loops.operations", [*(operand.enumerator for operand in OPERANDS), "OUT"])}
{cimport("cyrelu._loops.tags", FUSED_TYPES)}
from cyrelu._loops.types cimport Operands, OperandSet
from cyrelu._loops.views cimport View, view

{
    bracketed(
        "ctypedef void (*Specialisation)(",
        ["Tag* op", "Tag* factors", *(f"View {operand.name}" for operand in OPERANDS), "View out"],
        ") noexcept nogil",
    )
}


"""


def contiguous_pxd() -> str:
    return CONTIGUOUS_PXD + "\n\n\n".join(
        [
            run_on_views("run_floats", "Op", "Floats", FLOATS, "contiguous"),
            loop("contiguous", "Op", "floating", "apply"),
            run_on_views(
                "run_contiguous_integers",
                "TakesIntegers",
                "Integers",
                [*INTEGERS, BOOL],
                "integers",
            ),
            loop("integers", "TakesIntegers", "integer", "apply_to_integers"),
        ]
    )


def loop(name: str, op: str, c_type: str, apply: str) -> str:
    views = [f"const {c_type}[::1] {operand.name}" for operand in OPERANDS]
    names = ", ".join(operand.name for operand in OPERANDS)
    numbers = ", ".join(f"{operand.name}_i = 0" for operand in OPERANDS)
    before, inside = [], []
    for operand in OPERANDS:
        taken = [] if operand is X else [f"{op} in tags.Takes{operand.tag}"]
        if operand.is_factor:
            is_array, is_number = kinds_of(operand, op)
            test = " and ".join([*taken, is_number])
            before += [f"    if {test}:", f"        {operand.name}_i = {operand.name}[0]"]
            taken.append(is_array)
        indent = " " * 8
        if taken:
            inside.append(f"{indent}if {' and '.join(taken)}:")
            indent += " " * 4
        inside.append(f"{indent}{operand.name}_i = {operand.name}[i]")
    arguments = [f"{operand.name}_i" for operand in OPERANDS]
    return "\n".join(
        [
            bracketed(
                f"cdef inline void {name}(",
                [f"{op}* op", "Factors* factors", *views, f"{c_type}[::1] out"],
                ") noexcept nogil:",
            ),
            f'    """out = op({names}); what op does not take is not read."""',
            "    cdef Py_ssize_t i",
            f"    cdef {c_type} {numbers}",
            *before,
            "    for i in range(out.shape[0]):",
            *inside,
            bracketed(f"out[i] = tags.{apply}(", ["op", *arguments], ")", " " * 8),
        ]
    )


def kinds_of(factor: Operand, op: str) -> tuple[str, str]:
    """The conditions under which a loop takes the factor as an array, and as one number."""
    numbers, first, arrays = (f"tags.{each}" for each in FACTORS)
    of_several = [each for each in taken_by(factor) if len(each.factors) > 1]
    is_first = [each for each in of_several if each.factors[0] is factor]
    if len(is_first) == len(of_several):  # where it is the only one, no loop calls it the first
        return f"Factors is not {numbers}", f"Factors is {numbers}"
    if not is_first:
        return f"Factors is {arrays}", f"Factors is not {arrays}"
    operations = " or ".join(f"{op} is tags.{each.tag}" for each in is_first)
    is_array = f"(Factors is {arrays} or (Factors is {first} and ({operations})))"
    return is_array, f"not {is_array}"


def run_on_views(function: str, op: str, dtypes: str, table: Sequence[Dtype], name: str) -> str:
    """The function that calls a loop on typed memoryviews of the operands."""
    choices = []
    for dtype in table:
        last = dtype is table[-1]
        word = "else" if last else f"{'elif' if choices else 'if'} {dtypes} is tags.{dtype.tag}"
        copy = f"<Specialisation> {name}[{op}, Factors, {dtype.c_type}]"
        choices += [f"    {word}:", f"        loop, item = {copy}, sizeof({dtype.c_type})"]
    views = []
    for operand in OPERANDS:
        count = "n"
        if operand.is_factor:
            count = f"n if {kinds_of(operand, op)[0]} else 1"
        data = f"operands.data[{operand.enumerator}]"
        views.append(
            bracketed(f"cdef View {operand.name} = view(", [data, count, "item"], ")", "    ")
        )
    calls = []
    for operand in [X, *(each for each in OPERANDS if not each.is_factor and each is not X)]:
        taken = "" if operand is X else f"{op} in tags.Takes{operand.tag} and "
        word = "elif" if calls else "if"
        passed = ["out" if each is operand else each.name for each in OPERANDS]
        calls += [
            f"    {word} {taken}operands.data[{operand.enumerator}] == operands.data[OUT]:",
            f"        loop(NULL, NULL, {', '.join(passed)}, out)",
        ]
    names = ", ".join(operand.name for operand in OPERANDS)
    head = [f"{op}* op", "Factors* factors", f"{dtypes}* dtype"]
    return "\n".join(
        [
            bracketed(
                f"cdef inline void {function}(",
                [*head, "const Operands* operands", "Py_ssize_t n", "OperandSet arrays"],
                ") noexcept nogil:",
            ),
            '    """Call the loop of this dtype on typed memoryviews of the operands."""',
            "    cdef Specialisation loop",
            "    cdef Py_ssize_t item",
            *choices,
            *views,
            "    cdef View out = view(operands.data[OUT], n, item)",
            *calls,
            "    else:",
            f"        loop(NULL, NULL, {names}, out)",
        ]
    )
