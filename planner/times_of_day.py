"""Times of day that are written out, in the unit of the columns that they are compared with.

To the engine `TIME '12:00'` has nanoseconds, and it does not compare those with the microseconds
that a `time` of Postgres or DuckDB has. So when it says so of a text, the statement is written once
more with those literals in the other unit that stand in the comparisons it means; what it is asked
about each alone tells which. All others stay: a CAST to a number shows the unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from planner.desugar.text import NotReadError, text_of, tree_of
from planner.parse import tokenize

OWN_UNIT = "Time64(ns)"
"""The type of a literal, as messages name it."""

MAX_COMPARISONS = 32
"""With literals, in a statement: the engine is asked about each of them twice."""

_OTHERS = {
    "Time64(µs)": ("Time64(Microsecond)", 6),
    "Time32(ms)": ("Time32(Millisecond)", 3),
    "Time32(s)": ("Time32(Second)", 0),
}
"""As messages name a type: as the engine's `arrow_cast` does, and its digits of a second."""

_FRACTION = re.compile(r"\.(\d+)\s*$")

_COMPARISONS = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In),
)
_ONE_OF_ITS_ARGUMENTS = frozenset({"coalesce", "nvl", "ifnull", "nullif", "greatest", "least"})


def in_the_columns_unit(sql: str, message: str, ask: Callable[[str], str]) -> str | None:
    """The statement with literals in the unit that the engine found them beside.

    Args:
        sql: as the engine was given it.
        message: what the engine says of it.
        ask: what the engine says of another; nothing where it plans it.

    Returns:
        The text, or None when the message is another, or no literal is known to be meant that has
        no more digits than the unit.
    """
    if _wanted(message) is None:
        return None
    try:
        tree = tree_of(sql, list(tokenize(sql)))
    except NotReadError:
        return None
    count = len(_compared(tree))
    if count > MAX_COMPARISONS:
        return None
    found = {at: unit for at in range(count) if (unit := _unit_beside(tree, at, ask)) is not None}
    compared = _compared(tree)
    for at, unit in found.items():
        _recast(compared[at][1], unit)
    return text_of(tree) if found else None


def _wanted(message: str) -> tuple[str, int] | None:
    if OWN_UNIT not in message:
        return None
    return next((other for name, other in _OTHERS.items() if name in message), None)


def _compared(tree: exp.Expr) -> list[tuple[exp.Expr, list[exp.Expr]]]:
    """The comparisons that literals are operands of, each with these."""
    found: dict[int, tuple[exp.Expr, list[exp.Expr]]] = {}
    for node in tree.find_all(exp.Cast):
        if _is_literal(node) and (comparison := _comparison_of(node)) is not None:
            found.setdefault(id(comparison), (comparison, []))[1].append(node)
    return list(found.values())


def _is_literal(node: exp.Cast) -> bool:
    to = node.args["to"]
    plain = isinstance(to, exp.DataType) and to.this is exp.DataType.Type.TIME
    return plain and not to.expressions and isinstance(node.this, exp.Literal)


def _comparison_of(literal: exp.Expr) -> exp.Expr | None:
    """What compares a literal, or what may have its value: a bracket, a CASE, a coalesce."""
    node, above = literal, literal.parent
    while above is not None and not isinstance(above, _COMPARISONS):
        if isinstance(above, exp.Case) and node.arg_key == "this":
            return above
        if isinstance(above, exp.If) and node.arg_key == "this":
            # CASE x WHEN y compares the two; a WHEN without an x is a condition.
            case = above.parent
            return case if isinstance(case, exp.Case) and case.this is not None else None
        branch = isinstance(above, exp.If) and node.arg_key == "true"
        default = isinstance(above, exp.Case) and (node.arg_key in ("ifs", "default"))
        call = isinstance(above, exp.Anonymous) and above.name.lower() in _ONE_OF_ITS_ARGUMENTS
        if not (branch or default or call or isinstance(above, exp.Paren)):
            return None
        node, above = above, above.parent
    return above


def _unit_beside(tree: exp.Expr, at: int, ask: Callable[[str], str]) -> tuple[str, int] | None:
    """The unit that one comparison needs: it is refused without, and not with it.

    The literals of all others are NULL meanwhile, which goes with every type, so that what the
    engine says is of this one.
    """
    alone = tree.copy()
    compared = _compared(alone)
    _, literals = compared.pop(at)
    for _, others in compared:
        for other in others:
            other.replace(exp.null())
    wanted = _wanted(ask(text_of(alone)))
    if wanted is None or any(_digits(literal.this.name) > wanted[1] for literal in literals):
        return None
    _recast(literals, wanted)
    return wanted if OWN_UNIT not in ask(text_of(alone)) else None


def _recast(literals: list[exp.Expr], unit: tuple[str, int]) -> None:
    for literal in literals:
        arguments = [literal.this.copy(), exp.Literal.string(unit[0])]
        literal.replace(exp.Anonymous(this="arrow_cast", expressions=arguments))


def _digits(text: str) -> int:
    fraction = _FRACTION.search(text)
    return len(fraction[1].rstrip("0")) if fraction is not None else 0
