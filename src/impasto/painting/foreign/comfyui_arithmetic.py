"""Calculates what ComfyUI's mathematical nodes calculate: an expression, or one operation on two numbers.

Expressions are untrusted text. They are parsed and walked, never executed; numbers, lengths and depths are bounded.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from impasto.painting.foreign.comfyui_graph import Node, Untold, called, input_order, is_link

Number = float | int
_EXPRESSIONS = ("expression", "python_expression", "formula", "equation")
_OPERATIONS = ("operation", "operator", "op", "math_operation")
_KINDS = re.compile(r"math|calculat|arithm|evaluat|(int|float|number)_?(binary_?)?operation", re.IGNORECASE)
_LONGEST, _DEEPEST = 300, 30
_LARGEST, _LARGEST_POWER = 1e18, 64

_TWO: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_ONE: Mapping[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "min": min, "max": max, "round": round, "abs": abs, "int": int, "float": float, "floor": math.floor, "ceil": math.ceil,
    "sqrt": math.sqrt,
}  # fmt: skip
# The first fitting row tells what an operation's name, or without one a node's class, means.
_WORDS = (
    (r"floor\s*div|//", ast.FloorDiv), (r"modul|mod\b|remainder|%", ast.Mod), (r"add|sum|plus|\+", ast.Add),
    (r"sub|minus|difference|^-$", ast.Sub), (r"pow|exponent|\*\*", ast.Pow), (r"mul|times|product|\*", ast.Mult),
    (r"div|/", ast.Div), (r"min", "min"), (r"max", "max"),
)  # fmt: skip


def calculates(node: Node) -> bool:
    """Returns whether a node calculates the number that it gives."""
    low = {name.lower() for name in node.inputs}
    return bool(low.intersection((*_EXPRESSIONS, *_OPERATIONS)) or _KINDS.search(node.kind) or _two_of(node))


def calculated(node: Node, slot: int, number: Callable[[Any], Any]) -> Number:
    """Returns the number that a node calculates at its output `slot`; `number` gives that behind an input's value.

    Raises:
        Untold: it is no simple arithmetic, or an operand cannot be told.
    """
    try:
        value = _calculated(node, number)
    except (ArithmeticError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise Untold(f"the node {called(node)} calculates it") from None
    if isinstance(value, complex) or not math.isfinite(value) or abs(value) > _LARGEST:
        raise Untold(f"the node {called(node)} calculates it")
    if "simplemath" in node.kind.lower() and slot == 0:
        return round(value)
    whole = node.outputs[slot] == "INT" if 0 <= slot < len(node.outputs) else False
    if whole or ("pysssss" in node.kind and slot == 0) or re.search(r"int(eger)?(?![a-z])|Int|INT", node.kind):
        return int(value)
    return int(value) if float(value).is_integer() else value


def _calculated(node: Node, number: Callable[[Any], Any]) -> Number:
    low = {name.lower(): value for name, value in node.inputs.items()}
    text = next((low[name] for name in _EXPRESSIONS if isinstance(low.get(name), str)), None)
    if text is None and isinstance(low.get("value"), str) and _KINDS.search(node.kind):
        text = low["value"]
    if text is not None:
        if len(text) > _LONGEST:
            raise ValueError
        tree = ast.parse(text.strip(), mode="eval")
        return _walk(tree.body, lambda name: _operand(low[name.lower()], number) if name.lower() in low else None, 0)
    word = next((low[name] for name in _OPERATIONS if isinstance(low.get(name), str)), node.kind)
    what = next((kind for words, kind in _WORDS if re.search(words, word, re.IGNORECASE)), None)
    operands = [_operand(node.inputs[name], number) for name in _operands(node)]
    if what is None or len(operands) != 2:
        raise ValueError
    return _FUNCTIONS[what](*operands) if isinstance(what, str) else _apply(what, *operands)


def _operands(node: Node) -> list[str]:
    numbers = [name for name, value in node.inputs.items()
               if is_link(value) or (isinstance(value, int | float) and not isinstance(value, bool))]  # fmt: skip
    return sorted(numbers, key=input_order)


def _two_of(node: Node) -> bool:
    """Returns whether a node is one of those named after their operation, "JWIntegerMul", with two operands."""
    return len(node.inputs) == 2 and {name.lower() for name in node.inputs} == {"a", "b"} and len(_operands(node)) == 2


def _operand(value: Any, number: Callable[[Any], Any]) -> Number:
    found = number(value)
    if isinstance(found, str):
        found = float(found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError
    return found


def _walk(tree: ast.AST, variable: Callable[[str], Number | None], depth: int) -> Number:
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float) and not isinstance(tree.value, bool):
        return tree.value
    if isinstance(tree, ast.Name) and (value := variable(tree.id)) is not None:
        return value
    if isinstance(tree, ast.UnaryOp) and type(tree.op) in _ONE:
        return _ONE[type(tree.op)](_walk(tree.operand, variable, depth + 1))
    if isinstance(tree, ast.BinOp):
        return _apply(type(tree.op), *(_walk(side, variable, depth + 1) for side in (tree.left, tree.right)))
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords and len(tree.args) <= 8:
        function = _FUNCTIONS.get(tree.func.id)
        if function is not None:
            return function(*(_walk(one, variable, depth + 1) for one in tree.args))
    return _refuse()


def _refuse() -> Number:
    raise ValueError


def _apply(kind: type, left: Number, right: Number) -> Number:
    if kind is ast.Pow:
        if not 0 <= right <= _LARGEST_POWER or abs(left) > 1e6:
            raise ValueError
        return left**right if abs(left) <= 1 or right * math.log10(abs(left)) < 18 else _refuse()
    if kind not in _TWO:
        raise ValueError
    value = _TWO[kind](left, right)
    return value if abs(value) <= _LARGEST else _refuse()
