"""Numbers as they are written: decimal ones, and those that are too long for the engine.

Owns where such a number is exact. What is computed of numbers is `numbers`'.
"""

from __future__ import annotations

import math
import re

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import Node, cast
from planner.client_dialects.reading import Reading

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Mod)

_INSIDE = (
    exp.Paren, exp.Neg, *_ARITHMETIC, exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least,
    exp.Nullif,
)  # fmt: skip
"""Through these a number goes as what it is; all that stands in them has one kind then."""

_TAKES_DECIMALS = (
    exp.Select, exp.Alias, exp.Tuple, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Round, exp.Ceil,
    exp.Floor, exp.Abs, exp.Cast, exp.TryCast, exp.Div, exp.Where, exp.Having, exp.Ordered,
    exp.Subquery, exp.Concat, exp.DPipe,
)  # fmt: skip


def number(node: exp.Literal, reading: Reading) -> Node:
    """`0.1` is a decimal number in most dialects, and double precision in the engine.

    So `0.06 + 0.01` is 0.07 there. It is written so where all that it is computed with is exact.
    """
    if node.is_string:
        return node
    if "." not in node.name:
        return _long_literal(node, reading)
    if not re.fullmatch(r"\d*\.\d+", node.name):
        return node
    if not reading.speaks(traits.EXACT_LITERALS) or not _in_exact_place(node, reading):
        return node
    before, after = node.name.split(".")
    before = before.lstrip("0")
    digits = max(1, len(before) + len(after))
    if digits > 38:
        reading.translated(node, _TOO_LONG)
        return node
    return cast(exp.Literal.string(f"{before or '0'}.{after}"), f"decimal({digits}, {len(after)})")


_TOO_LONG = "a number of more than 38 digits is double precision here"


def _long_literal(node: exp.Literal, reading: Reading) -> Node:
    """A whole number beyond 64 bits, which is double precision in the engine, or beyond that."""
    digits = node.name
    if not digits.isdigit():
        if re.fullmatch(r"\d+[eE]\+?\d+", digits) and math.isinf(float(digits)):
            reading.refuse(node, "a number beyond double precision")
        return node
    if not reading.speaks(traits.EXACT_LITERALS | {"bigquery"}):
        return node
    if len(digits) > 38:
        reading.translated(node, _TOO_LONG)
        return reading.kinds.known(exp.Paren(this=node.copy()), "float")
    if int(digits) <= (2**63 if isinstance(node.parent, exp.Neg) else 2**64 - 1):
        return node
    exact = cast(exp.Literal.string(digits), f"decimal({len(digits)}, 0)")
    return reading.kinds.known(exact, "decimal")


def _in_exact_place(node: Node, reading: Reading) -> bool:
    top = node
    while isinstance(top.parent, _INSIDE) and _is_value(top):
        top = top.parent
    if reading.kind(top) != "decimal":
        return False
    parent = top.parent
    if isinstance(parent, exp.Predicate) and not isinstance(parent, exp.SubqueryPredicate):
        others = [part for part in parent.iter_expressions() if part is not top]
        kinds = {reading.kind(part) for part in others}
        return kinds <= {"decimal", "int", "null"} and (
            "decimal" in kinds or not isinstance(top, exp.Literal)
        )
    if isinstance(parent, exp.Div):
        return bool(parent.args.get("typed"))
    output = parent.parent if isinstance(parent, exp.Alias) else parent
    if isinstance(output, exp.Select) and isinstance(output.parent, exp.SetOperation):
        return False  # another branch may have double precision there
    return isinstance(parent, _TAKES_DECIMALS)


def _is_value(node: Node) -> bool:
    """Whether it is one of the values that the node around it may have."""
    parent = node.parent
    if isinstance(parent, exp.If):
        return node.arg_key in ("true", "false")
    return not isinstance(parent, exp.Case) or node.arg_key in ("ifs", "default")
