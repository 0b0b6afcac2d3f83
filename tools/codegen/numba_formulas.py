"""Translates the inline functions of scalar.pxd to Python, for Numba to compile.

First the spellings of Cython become those of Python, each on its own line: C's types are then
annotations, and a cast is the operator **, which binds as a cast does and is nothing else there.
Then the syntax tree gets the conversions of C, which Numba's differ from: for Numba float32 + 1 is
a float64, as uint64 + 1 is, and int8 + int8 an int64. What has no translation is an error that
names the line of scalar.pxd.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

FUSED = ("floating", "number")
FLOATS = frozenset({"float", "double"})
INTEGERS = frozenset(f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64))
NUMBA = {
    "number": "number",
    "promoted": "promoted",  # what C computes in: int for what is narrower
    "bint": "types.boolean",
    "float": "types.float32",
    "double": "types.float64",
    **{each: f"types.{each.removesuffix('_t')}" for each in sorted(INTEGERS)},
}
NARROW = {each for each in INTEGERS if "8" in each or "16" in each}
# Of two operands, both have the type that comes last.
FLOATING_ORDER = ["uint64_t", "number", "double"]
INTEGER_ORDER = ["number", "promoted", "uint64_t", "double"]
# Functions of libc.math that Python's math has, too, with the same result.
MATH = {"copysign", "exp", "expm1", "fabs", "log", "log1p", "sqrt", "tanh"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)

HEAD = re.compile(r"^cdef inline (\w+) (\w+)\(([^)]*)\) noexcept nogil:", re.MULTILINE)
PARAMETER = re.compile(r"\b(\w+) (\w+)\b")
VARIABLES = re.compile(r"^( +)cdef (\w+) (\w+(?:, \w+)*)( =|$| *#)", re.MULTILINE)
CAST = re.compile(r"<(\w+)> ?")

# How compilers are led to vector code: here a choice is a choice, and nothing else.
TRICKS = {"MASKS_F32", "MASKS_F64"}
SELECT = "return yes if condition else no"


class Untranslatable(Exception):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"scalar.pxd, line {line}, has no translation for Numba: {why}")


def translated(source: str) -> str:
    """The functions of scalar.pxd as those of two others: of a floating and of an integer type."""
    return "\n\n\n".join(
        factory(name, "\n\n".join(functions(source, types)))
        for name, types in (("floats", FLOATS), ("integers", INTEGERS))
    )


def factory(name: str, body: str) -> str:
    constants = {
        "is_float": "number == types.float32",
        "is_double": "number == types.float64",
        "promoted": "number if number.bitwidth >= 32 else types.int32",
        "number_size": "number.bitwidth // 8",
    }
    lines = [f"{constant} = {value}\n" for constant, value in constants.items() if constant in body]
    return f"def {name}(number):\n" + indented("\n".join([*lines, body, "\nreturn locals()"]))


def indented(lines: str) -> str:
    return textwrap.indent(lines, "    ")


def functions(source: str, types: frozenset[str]) -> Iterator[str]:
    """Those that there are for numbers of these types; a floating one is in FLOATS only."""
    signatures, kept = {}, []
    for function in python_tree(source).body:
        given = [function.returns, *(each.annotation for each in function.args.args)]
        if types == FLOATS or "floating" not in map(ast.unparse, given):
            signatures[function.name] = [c_type_of(each) for each in given]
            kept.append(function)
    for function in kept:
        yield Translation(types, signatures).function(function)


def python_tree(source: str) -> ast.Module:
    lines, in_function = [], False
    for line in source.splitlines():
        if line and line[0] not in " )#":
            in_function = line.startswith("cdef inline ")
        lines.append(line if in_function else "")
    text = HEAD.sub(head, "\n".join(lines))
    text = VARIABLES.sub(declarations, text)
    try:
        return ast.parse(CAST.sub(r"\1 ** ", text))
    except SyntaxError as error:
        line = error.lineno or 0
        raise Untranslatable(line, source.splitlines()[line - 1].strip()) from None


def head(found: re.Match[str]) -> str:
    result, name, parameters = found.groups()
    annotated = PARAMETER.sub(r"\2: \1", parameters)
    return f"def {name}({annotated}) -> {result}:"


def declarations(found: re.Match[str]) -> str:
    indent, c_type, names, end = found.groups()
    return indent + "; ".join(f"{name}: {c_type}" for name in names.split(", ")) + end


class Translation(ast.NodeTransformer):
    """Of one function. An expression gets its type in C as the attribute c_type."""

    def __init__(self, types: frozenset[str], signatures: dict[str, list[str]]) -> None:
        self.types = types  # which number may be
        self.signatures = signatures  # of the functions: the result, the parameters
        self.order = FLOATING_ORDER if types == FLOATS else INTEGER_ORDER

    def function(self, node: ast.FunctionDef) -> str:
        names = [each.arg for each in node.args.args]
        self.result, *parameters = self.signatures[node.name]
        self.variables = dict(zip(names, parameters, strict=True))
        if node.name == "select":
            node.body = ast.parse(SELECT).body
        body = ast.fix_missing_locations(ast.Module(self.block(node.body), []))
        return "\n".join(
            [
                f"@compiled({NUMBA[self.result]}({', '.join(NUMBA[each] for each in parameters)}))",
                f"def {node.name}({', '.join(names)}):",
                indented(ast.unparse(body)),
            ]
        )

    def visit(self, node: ast.AST) -> Any:
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            raise Untranslatable(getattr(node, "lineno", 0), ast.unparse(node))
        return method(node)

    # ---- statements

    def block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        for each in statements:
            found = self.visit(each)
            body += found if isinstance(found, list) else [found]
        return body

    def visit_Expr(self, node: ast.Expr) -> Any:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            raise Untranslatable(node.lineno, ast.unparse(node))
        return node  # a docstring

    def visit_Return(self, node: ast.Return) -> Any:
        return ast.Return(self.converted(self.visit(node.value), self.result))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.variables[ast.unparse(node.target)] = c_type_of(node.annotation)
        return [] if node.value is None else self.assigned(node.target, node.value)

    def visit_Assign(self, node: ast.Assign) -> Any:
        if len(node.targets) > 1:
            raise Untranslatable(node.lineno, "it assigns to two variables")
        return self.assigned(node.targets[0], node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        name = ast.copy_location(ast.Name(ast.unparse(node.target)), node)
        value = ast.copy_location(ast.BinOp(name, node.op, node.value), node)
        return self.assigned(node.target, value)

    def assigned(self, target: ast.expr, value: ast.expr) -> Any:
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "in_loop":
            return []
        name = self.visit(target)
        return ast.Assign([name], self.converted(self.visit(value), name.c_type))

    def visit_If(self, node: ast.If) -> Any:
        test = self.condition(node.test)
        if isinstance(test, bool):
            return self.block(node.body if test else node.orelse)
        body, orelse = self.block(node.body), self.block(node.orelse)
        return ast.If(test, body or [ast.Pass()], orelse) if body or orelse else []

    def visit_Pass(self, node: ast.Pass) -> Any:
        return node

    # ---- conditions that are decided for each type of a fused function

    def where(self, test: ast.expr) -> frozenset[str] | None:
        """For which of the types the condition is true. None: that depends on values."""
        match test:
            case ast.Compare(ast.Name(id=left), [ast.Is()], [ast.Name(id=right)]) if left in FUSED:
                return self.types & {right}
            case ast.Compare(ast.Name(id=left), [ast.In()], [ast.Name("floating")]):
                return self.types & FLOATS if left in FUSED else None
            case ast.Name(id=name) if name in TRICKS:
                return frozenset()
            case ast.UnaryOp(ast.Not(), operand):
                found = self.where(operand)
                return None if found is None else self.types - found
            case ast.BoolOp(op, [first, *others]):
                found = self.where(first)
                for each in map(self.where, others):
                    if found is None or each is None:
                        return None
                    found = found | each if isinstance(op, ast.Or) else found & each
                return found
            case ast.IfExp():
                parts = [self.where(each) for each in (test.test, test.body, test.orelse)]
                if None not in parts:
                    condition, yes, no = parts
                    return condition & yes | no - condition
        return None

    def condition(self, test: ast.expr) -> Any:
        """A bool where all of the types decide alike, else an expression."""
        where = self.where(test)
        if where is None:
            return self.visit(test)
        if where in (self.types, frozenset()):
            return bool(where)
        if self.types != FLOATS:
            raise Untranslatable(test.lineno, "the integer types have one translation")
        return ast.Name("is_float" if "float" in where else "is_double")

    # ---- expressions

    def converted(self, node: Any, c_type: str) -> Any:
        return node if node.c_type == c_type else self.cast(node, c_type)

    def cast(self, node: ast.expr, c_type: str) -> Any:
        return typed(ast.Call(ast.parse(NUMBA[c_type], mode="eval").body, [node], []), c_type)

    def alike(self, nodes: list[ast.expr], line: int) -> tuple[list[Any], str]:
        """The expressions, converted to the type that C finds for them, and this type."""
        visited = [self.visit(each) for each in nodes]
        found = {each.c_type for each in visited} - {"literal", "bint"}
        if not found:
            return visited, "literal"
        if len(found) > 1 and not found <= set(self.order):
            raise Untranslatable(line, f"it mixes {' and '.join(sorted(found))}: cast to one type")
        c_type = found.pop() if len(found) == 1 else max(found, key=self.order.index)
        return [self.converted(each, c_type) for each in visited], c_type

    def promoted(self, c_type: str) -> str:
        if c_type == "number" and self.types != FLOATS:
            return "promoted"
        return "int32_t" if c_type in NARROW else c_type

    def computed(self, node: Any, c_type: str) -> Any:
        """Numba computes integers in 64 bits; C wraps around in narrower ones."""
        exact = c_type in ("literal", "number", "double", "float", "int64_t", "uint64_t")
        return typed(node, c_type) if exact else self.cast(node, c_type)

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.variables:
            raise Untranslatable(node.lineno, f"{node.id} is no variable of the function")
        return typed(ast.Name(node.id), self.variables[node.id])

    def visit_Constant(self, node: ast.Constant) -> Any:
        if not isinstance(node.value, (int, float)):
            raise Untranslatable(node.lineno, ast.unparse(node))
        return typed(node, "literal" if isinstance(node.value, int) else "double")

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.op, ast.Pow):
            return self.cast(self.visit(node.right), c_type_of(node.left))
        operands, c_type = self.alike([node.left, node.right], node.lineno)
        is_floating = c_type in FLOATS or (c_type == "number" and self.types == FLOATS)
        if not isinstance(node.op, (*ARITHMETIC, ast.Div) if is_floating else ARITHMETIC):
            raise Untranslatable(node.lineno, "its operator is another one in Python")
        # Cython writes 2 beside a float as 2.0, which is a double.
        c_type = "double" if is_floating and has_literal(node) else self.promoted(c_type)
        left, right = (self.converted(each, c_type) for each in operands)
        return self.computed(ast.BinOp(left, node.op, right), c_type)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return typed(ast.UnaryOp(node.op, operand), "bint")
        c_type = self.promoted(operand.c_type)
        return self.computed(ast.UnaryOp(node.op, self.converted(operand, c_type)), c_type)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if not all(isinstance(each, COMPARISONS) for each in node.ops):
            raise Untranslatable(node.lineno, ast.unparse(node))
        (left, *others), _ = self.alike([node.left, *node.comparators], node.lineno)
        return typed(ast.Compare(left, node.ops, others), "bint")

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        return typed(ast.BoolOp(node.op, [self.visit(each) for each in node.values]), "bint")

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        test = self.condition(node.test)
        if isinstance(test, bool):
            return self.visit(node.body if test else node.orelse)
        (yes, no), c_type = self.alike([node.body, node.orelse], node.lineno)
        return typed(ast.IfExp(test, yes, no), c_type)

    def visit_Call(self, node: ast.Call) -> Any:
        function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
        name = ast.unparse(function)
        if name == "sizeof" and ast.unparse(node.args[0]) in FUSED:
            return self.cast(ast.Name("number_size"), "uint64_t")
        arguments = [self.visit(each) for each in node.args]
        if name in self.signatures:
            result, *parameters = self.signatures[name]
            arguments = list(map(self.converted, arguments, parameters))
            return typed(ast.Call(ast.Name(name), arguments, []), result)
        if name in MATH:
            doubles = [self.converted(each, "double") for each in arguments]
            return typed(ast.Call(ast.Name(f"math.{name}"), doubles, []), "double")
        kind = "floats" if self.types == FLOATS else "integers"
        raise Untranslatable(node.lineno, f"no function {name} of {kind} is in the file")


def has_literal(node: ast.BinOp) -> bool:
    return any(isinstance(each, ast.Constant) for each in (node.left, node.right))


def c_type_of(node: ast.expr) -> str:
    name = ast.unparse(node)
    if name not in FUSED and name not in NUMBA:
        raise Untranslatable(node.lineno, f"{name} is no type that it knows")
    return "number" if name in FUSED else name


def typed(node: ast.expr, c_type: str) -> Any:
    node.c_type = c_type
    return node
