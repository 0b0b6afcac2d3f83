"""Translates the inline functions of scalar.pxd to Python, for Numba to compile.

First the spellings of Cython become those of Python, each on its own line: a cast is the operator
**, which binds as a cast does and is nothing else there. Then each expression gets its type in C,
and a cast where Numba's differs: to Numba, uint64 + 1 is a float64, and uint8 - uint8 a uint64.
"""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

INTEGERS = [f"{sign}int{bits}_t" for bits in (8, 16, 32, 64) for sign in ("", "u")]
KINDS = {"floats": ["float", "double"], "integers": INTEGERS}  # of functions: what number may be
TYPES = {"number": "number", "floating": "number", "bint": "types.boolean"}
TYPES |= {"double": "types.float64"} | {name: f"types.{name[:-2]}" for name in INTEGERS[4:]}
# Operands get that of their types which comes last; the last three mix with constants only.
RANKS = ["constant", "types.int32", "number", "promoted", "types.float64"]
RANKS += ["types.uint32", "types.int64", "types.uint64"]
# C computes in what is promoted: from narrow integers to int; and to double from a float beside a
# constant, as Cython writes 2 * x as 2.0 * x.
HEADS = {
    "floats": "is_float, is_double = number == types.float32, number == types.float64\n"
    "promoted = types.float64",
    "integers": "promoted = number if number.bitwidth >= 32 else types.int32",
}
# Functions of libc.math that Python's math has, too, with the same result.
MATH = ["copysign", "exp", "expm1", "fabs", "log", "log1p", "sqrt", "tanh"]
UNLIKE = (ast.FloorDiv, ast.Mod, ast.MatMult, ast.Is, ast.IsNot, ast.In, ast.NotIn)
# Masks, select and in_loop lead C compilers to vector code. Here a choice is a choice.
KNOWN = {"MASKS_F32": False, "MASKS_F64": False, "float": "float", "double": "double"}
SELECT = "return yes if condition else no"


class Untranslatable(Exception):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"scalar.pxd, line {line}, has no translation for Numba: {why}")


def translate(source: str) -> str:
    """The functions inside of two others, of a floating and of an integer type."""
    factories = []
    for kind, head in HEADS.items():
        module = ast.fix_missing_locations(Translation(kind).visit(parse(source)))
        text = f"{head}\nsize = number.bitwidth // 8\n{ast.unparse(module)}\n\nreturn locals()"
        factories.append(f"def {kind}(number):\n" + textwrap.indent(text, "    "))
    return "\n\n\n".join(factories)


def parse(source: str) -> ast.Module:
    other = r"(?ms)^(?!cdef inline)[^ )#\n].*?(?=^cdef inline|\Z)"
    text = re.sub(other, lambda found: "\n" * found[0].count("\n"), source)
    head = r"(?m)^cdef inline (\w+) (\w+)(\([^)]*\)) noexcept nogil:"
    text = re.sub(head, lambda found: f"def {found[2]}{annotate(found[3])} -> {found[1]}:", text)
    text = re.sub(r"(?m)^( +)cdef (\w+ \w+)", lambda found: found[1] + annotate(found[2]), text)
    try:
        return ast.parse(re.sub(r"<(\w+)> ?", r"\1 ** ", text))
    except SyntaxError as error:
        line = error.lineno or 1
        raise Untranslatable(line, source.splitlines()[line - 1].strip()) from None


def annotate(declarations: str) -> str:
    return re.sub(r"\b(\w+) (\w+)", r"\2: \1", declarations)


def typed(node: Any, c_type: str) -> Any:
    node.c_type = c_type
    return node


def cast(node: Any, c_type: str) -> Any:
    is_cast = getattr(node, "c_type", None) == c_type
    return node if is_cast else typed(ast.Call(ast.Name(c_type), [node], []), c_type)


class Translation(ast.NodeTransformer):
    """Of one kind. An expression gets its type in C as the attribute c_type."""

    def __init__(self, kind: str) -> None:
        self.kind, self.line = kind, 0
        self.signatures = dict.fromkeys(MATH, ["types.float64"] * 3)  # results, parameters

    def fail(self, why: str) -> Any:
        raise Untranslatable(self.line, why)

    def find_type(self, node: ast.expr) -> str:
        name = ast.unparse(node)
        return TYPES.get(name) or self.fail(f"{name} is no type that it knows")

    def visit_block(self, statements: list[Any]) -> list[Any]:
        return self.generic_visit(ast.Module(statements, [])).body

    def visit_function(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        arguments = node.args.args
        annotations = [node.returns, *(each.annotation for each in arguments)]
        if self.kind == "integers" and "floating" in map(ast.unparse, annotations):
            return None
        self.result, *types = self.signatures[node.name] = [*map(self.find_type, annotations)]
        self.variables = {each.arg: of for each, of in zip(arguments, types, strict=True)}
        node.decorator_list = [ast.Name(f"compile_lazily({self.result}({', '.join(types)}))")]
        node.args.args, node.returns = [ast.arg(name) for name in self.variables], None
        body = ast.parse(SELECT).body if node.name == "select" else node.body
        node.body = self.visit_block(body)
        return node

    def visit(self, node: Any) -> Any:
        """First what does not depend on the types of its parts; convert does the rest."""
        self.line = getattr(node, "lineno", self.line)
        match node:
            case ast.FunctionDef():
                return self.visit_function(node)
            case ast.Expr(ast.Constant(str())):
                return node
            case ast.Assign(_, ast.Call(ast.Name("in_loop"))):
                return None
            case ast.AnnAssign(target, annotation, value):
                self.variables[ast.unparse(target)] = self.find_type(annotation)
                return self.visit(ast.Assign([target], value)) if value else None
            case ast.AugAssign(target, op, value):
                return self.visit(ast.Assign([target], ast.BinOp(target, op, value)))
            case ast.If() | ast.IfExp() if (known := self.decide(node.test)) is not None:
                branch = node.body if known else node.orelse
                return self.visit_block(branch) if isinstance(node, ast.If) else self.visit(branch)
            case ast.Compare(ast.Name("number" | "floating"), [ast.Is()], [ast.Name(name)]):
                if self.kind == "integers" or name not in KINDS["floats"]:
                    self.fail("the integer types have one translation")
                return typed(ast.Name(f"is_{name}"), "types.boolean")
            case ast.BinOp(c_type, ast.Pow(), operand):
                return cast(self.visit(operand), self.find_type(c_type))
            case ast.Call(ast.Name("sizeof"), [ast.Name("number" | "floating")]):
                return typed(ast.Name("size"), "constant")
            case ast.Call(ast.Subscript(ast.Name(name)) | ast.Name(name), arguments):
                if name not in self.signatures:
                    self.fail(f"no function {name} of {self.kind} is in the file")
                result, *parameters = self.signatures[name]
                arguments = [*map(cast, map(self.visit, arguments), parameters)]
                function = ast.Name(f"math.{name}" if name in MATH else name)
                return typed(ast.Call(function, arguments, []), result)
            case ast.stmt() if not isinstance(node, (ast.Return, ast.Assign, ast.If)):
                self.fail(ast.unparse(node))
        return self.convert(self.generic_visit(node))

    def decide(self, test: ast.expr) -> bool | None:
        """None where it depends on values, or is not the same for all types of number."""
        is_float = self.kind == "floats"  # then number is in floating
        types = [
            {"number": each, "floating": each if is_float else ()} for each in KINDS[self.kind]
        ]
        try:
            found = {eval(ast.unparse(test), KNOWN | each) for each in types}
        except NameError:
            return None
        return found.pop() if len(found) == 1 else None

    def convert(self, node: Any) -> Any:
        match node:
            case ast.Return(ast.expr()):
                node.value = cast(node.value, self.result)
            case ast.Assign([target], value):
                node.value = cast(value, target.c_type)
            case ast.If(_, body, orelse):
                node.body = body or [ast.Pass()]
                return node if body or orelse else None
            case ast.Constant(int(value)) if value < 2**31:
                return typed(node, "constant")
            case ast.Constant(float()):
                return typed(node, "types.float64")
            case ast.Name(name) if name in self.variables:
                return typed(node, self.variables[name])
            case ast.Name(name):
                self.fail(f"{name} is no variable of the function")
            case ast.UnaryOp(ast.Not()) | ast.BoolOp():
                return typed(node, "types.boolean")
            case ast.Compare(left, ops, others) if not any(isinstance(op, UNLIKE) for op in ops):
                (node.left, *node.comparators), _ = self.balance(node, left, *others)
                return typed(node, "types.boolean")
            case ast.IfExp(_, yes, no):
                (node.body, node.orelse), c_type = self.balance(node, yes, no)
                return typed(node, c_type)
            case ast.UnaryOp(_, operand):
                (node.operand,), c_type = self.balance(node, operand)
                return wrap(node, c_type)
            case ast.BinOp(left, op, right):
                (node.left, node.right), c_type = self.balance(node, left, right)
                divides = self.kind == "floats" and c_type in RANKS[2:5]
                if isinstance(op, UNLIKE) or (isinstance(op, ast.Div) and not divides):
                    self.fail("its operator is another one in Python")
                return wrap(node, c_type)
            case ast.stmt() | ast.expr():
                self.fail(ast.unparse(node))
        return node

    def balance(self, node: ast.expr, *operands: Any) -> tuple[list[Any], str]:
        """The operands in the type that C finds for them, and this type."""
        types = {each.c_type.replace("boolean", "int32") for each in operands}
        c_type = max(types, key=RANKS.index)
        if RANKS.index(c_type) > 4 and types - {"constant", c_type}:
            self.fail(f"it mixes {' and '.join(sorted(types))}: cast to one type")
        computes = isinstance(node, ast.BinOp) and "constant" in types
        if c_type == "number" and (computes or self.kind == "integers"):
            c_type = "promoted"
        elif c_type == "promoted" and self.kind == "floats" and isinstance(node, ast.IfExp):
            c_type = "number"  # Cython keeps what it chooses in a variable
        return [cast(each, c_type) for each in operands], c_type


def wrap(node: ast.expr, c_type: str) -> Any:
    """Numba computes integers in 64 bits."""
    exact = c_type in ("constant", "number", "types.float64")
    return typed(node, c_type) if exact else cast(node, c_type)
