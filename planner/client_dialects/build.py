"""Small trees of the engine's SQL, for the rewrites. Owns no meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sqlglot import exp

Node = exp.Expr
Part = exp.Expr | str | int
"""A node, or a constant: a text or a whole number."""


class Call(exp.Expression):
    """A call of one of the engine's own functions, by the name that the engine has for it."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False}


def call(name: str, *arguments: Part) -> Call:
    return Call(this=name, expressions=[node_of(argument) for argument in arguments])


def node_of(part: Part) -> Node:
    if isinstance(part, str):
        return exp.Literal.string(part)
    if isinstance(part, int):
        return number(part)
    return part


def number(value: int) -> Node:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal


def bracketed(node: Node) -> Node:
    """The node in brackets, where its neighbours could tear it apart."""
    whole = (exp.Column, exp.Literal, exp.Paren, exp.Func, Call, exp.Cast, exp.Null, exp.Boolean)
    # To sqlglot AND, OR and some operators are functions too.
    alone = isinstance(node, whole) and not isinstance(node, exp.Binary)
    return node if alone else exp.Paren(this=node)


def binary(kind: type[exp.Binary], left: Part, right: Part) -> Node:
    return exp.Paren(this=kind(this=bracketed(node_of(left)), expression=bracketed(node_of(right))))


def plus(left: Part, right: Part) -> Node:
    return binary(exp.Add, left, right)


def minus(left: Part, right: Part) -> Node:
    return binary(exp.Sub, left, right)


def joined(left: Part, right: Part) -> Node:
    """Two texts behind each other; NULL when one is."""
    return binary(JoinedTexts, left, right)


class JoinedTexts(exp.Expression, exp.Binary):
    """`||` of two texts for sure, which need no cast."""


def cast(node: Node, to: str) -> exp.Cast:
    return exp.Cast(this=node, to=exp.DataType.build(to, dialect="postgres"))


def is_null(node: Node) -> Node:
    return exp.Is(this=bracketed(node.copy()), expression=exp.Null())


def case(branches: Sequence[tuple[Node, Part]], default: Part | None = None) -> Node:
    ifs = [exp.If(this=when, true=node_of(then)) for when, then in branches]
    return exp.Case(ifs=ifs, default=None if default is None else node_of(default))


def null_if_zero(node: Node) -> Node:
    return exp.Nullif(this=node, expression=exp.Literal.number(0))


def interval(amount: int, unit: str) -> exp.Interval:
    return exp.Interval(this=exp.Literal.string(str(amount)), unit=exp.var(unit.upper()))


_MOST_DIGITS = 1000
"""Python reads a few thousand digits as a number, and fails beyond."""


def whole_number(node: object) -> int | None:
    """The value of a constant without a fraction; None for anything else.

    >>> import sqlglot
    >>> whole_number(sqlglot.parse_one("(-2)"))
    -2
    """
    if isinstance(node, exp.Paren):
        return whole_number(node.this)
    if isinstance(node, exp.Neg):
        inner = whole_number(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return int(node.name) if len(node.name) < _MOST_DIGITS else None
    return None


def constant_text(node: object) -> str | None:
    """A text that is written in the statement, or None."""
    if isinstance(node, exp.Paren):
        return constant_text(node.this)
    return str(node.name) if isinstance(node, exp.Literal) and node.is_string else None


def at_least_one(node: object) -> bool:
    """Whether a whole number is 1 or more for sure: `INSTR(…) + 1`."""
    value = whole_number(node)
    if value is not None:
        return value >= 1
    if isinstance(node, exp.Paren):
        return at_least_one(node.this)
    if isinstance(node, exp.Add):
        return (at_least_one(node.this) and _never_negative(node.expression)) or (
            at_least_one(node.expression) and _never_negative(node.this)
        )
    return False


def _never_negative(node: object) -> bool:
    if isinstance(node, exp.Paren):
        return _never_negative(node.this)
    if isinstance(node, Call):
        return node.name in ("strpos", "length")
    value = whole_number(node)
    counts = (exp.StrPosition, exp.Length, exp.Count, exp.RowNumber)
    return isinstance(node, counts) or (value is not None and value >= 0)
