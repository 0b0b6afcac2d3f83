"""How generated code is laid out: within 100 columns, as ruff and the rest of the source do."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100


def bracketed(head: str, items: Sequence[str], tail: str, indent: str = "") -> str:
    """A bracketed list on one line, on one line of its own, or an item a line: what fits first."""
    line = f"{indent}{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return line
    inside = f"{indent}    {', '.join(items)}"
    if len(inside) > WIDTH:
        inside = "\n".join(f"{indent}    {item}," for item in items)
    return f"{indent}{head}\n{inside}\n{indent}{tail}"


def condition(tests: Sequence[str], indent: str) -> str:
    """`if one or another:` on one line, or a test a line."""
    line = f"{indent}if {' or '.join(tests)}:"
    if len(line) <= WIDTH:
        return line
    inside = f"\n{indent}    or ".join(tests)
    return f"{indent}if (\n{indent}    {inside}\n{indent}):"
