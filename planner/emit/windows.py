"""Functions over windows, as dialects share them: one call to SQL with OVER, or why it stays.

What a window gives depends on its order alone where the order is total, or where peers (rows that
are equal in it) get the same value: rank, dense_rank, percent_rank, cume_dist, and what is
aggregated over whole groups of peers. Where an order leaves peers and the function tells them apart
(row_number, ntile, lag, lead, the first, the last, frames counted in rows), SQL leaves the result
open, and the engine's own changes with its partitions. As for LIMIT without an order, any result
that SQL allows is right then, so such a window goes to the source too: one that runs twice in a
statement may number peers in two ways, there as here.

Frames of values with a distance, and functions with DISTINCT, FILTER or IGNORE NULLS, never come
this far (`planner.lost`). Owns no dialect's content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, Over, Sql, WindowRule
from planner.relations import Frame, Literal, Measure, WindowCall

Typed = Callable[[Sql, pa.DataType], Sql]
"""A function's value as exactly the engine's type of it; where a dialect's own will do, itself."""

_RANKS = ("row_number", "rank", "dense_rank")
_SHARES = ("percent_rank", "cume_dist")
_OF_ROWS = ("first_value", "last_value")
_COUNTED = "one numbering in SQL; peers are numbered in any order"


def ranking(typed: Typed) -> dict[str, WindowRule]:
    """The functions that SQL has for windows alone.

    Args:
        typed: makes the engine's type of a function's value.
    """
    return {
        **{name: _named(name, typed, _COUNTED) for name in _RANKS},
        **{name: _named(name, typed, "one division of doubles") for name in _SHARES},
        **{name: _of_rows(name, typed) for name in _OF_ROWS},
        "nth_value": WindowRule(
            lambda c, a, over: typed(over.of_frame(_call("nth_value", a[0], _bare(a[1]))), c.type),
            _nth_of,
            takes="any, integer constant",
            when="the constant is at least 1",
            written="NTH_VALUE(x, y) OVER …",
        ),
        "lag": _moved("lag", typed),
        "lead": _moved("lead", typed),
        "ntile": WindowRule(
            lambda c, a, over: typed(over.of(_call("ntile", _bare(a[0]))), c.type),
            _tiles_of,
            "larger tiles first, as in SQL",
            takes="integer constant",
            when="the constant is at least 1",
            written="NTILE(x) OVER …",
        ),
    }


def aggregated(rules: Mapping[str, AggregateRule], names: Sequence[str]) -> dict[str, WindowRule]:
    """Aggregates over windows: the rules of a dialect's aggregates, each call of one with OVER."""
    return {name: _aggregate(name, rules[name], rules) for name in names}


def frame_sql(frame: Frame, ordered: bool) -> exp.WindowSpec | None:
    """A frame; None where it is what SQL takes without one."""
    usual = (
        (Frame("range", None, 0),)
        if ordered
        else (Frame("rows", None, None), Frame("range", None, None), Frame("range", None, 0))
    )
    if frame in usual:
        return None
    start, start_side = _edge(frame.start, "PRECEDING")
    end, end_side = _edge(frame.end, "FOLLOWING")
    return exp.WindowSpec(
        kind=frame.unit.upper(), start=start, start_side=start_side, end=end, end_side=end_side
    )


def _edge(offset: int | None, end: str) -> tuple[Sql | str, str | None]:
    if offset is None:
        return "UNBOUNDED", end
    if offset == 0:
        return "CURRENT ROW", None
    side = "FOLLOWING" if offset > 0 else "PRECEDING"
    return cast(Sql, exp.Literal.number(str(abs(offset)))), side


def _call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _named(name: str, typed: Typed, shown: str) -> WindowRule:
    return WindowRule(
        lambda call, _, over: typed(over.of(_call(name)), call.type),
        _nothing_of,
        shown,
        takes="nothing",
        written=f"{name.upper()}() OVER …",
    )


def _of_rows(name: str, typed: Typed) -> WindowRule:
    return WindowRule(
        lambda call, arguments, over: typed(over.of_frame(_call(name, *arguments)), call.type),
        _frame_of,
        takes="any",
        written=f"{name.upper()}(x) OVER …",
    )


def _moved(name: str, typed: Typed) -> WindowRule:
    def write(call: WindowCall, arguments: list[Sql], over: Over) -> Sql:
        value, *rest = arguments
        offset = [_bare(a) for a in rest[:1]]
        return typed(over.of(_call(name, value, *offset, *rest[1:])), call.type)

    return WindowRule(
        write,
        _moved_of,
        takes="any, integer constant, constant",
        when="the distance is 0 or more; the constant for rows beyond the end has x's type",
        written=f"{name.upper()}(x, y, z) OVER …",
    )


def _bare(sql: Sql) -> Sql:
    """An integer constant without its cast: a distance is a plain integer everywhere."""
    return cast(Sql, sql.this) if isinstance(sql, exp.Cast) else sql


def _nothing_of(call: WindowCall) -> str | None:
    return f"{call.function} of something" if call.arguments else None


def _frame_of(call: WindowCall) -> str | None:
    start, end = call.frame.start, call.frame.end
    if start is not None and end is not None and start > end:
        return "a window frame that ends before it starts"
    return None


def _nth_of(call: WindowCall) -> str | None:
    return _frame_of(call) or _constant(call.arguments[1], "the position", 1)


def _tiles_of(call: WindowCall) -> str | None:
    return _constant(call.arguments[0], "the number of tiles", 1)


def _moved_of(call: WindowCall) -> str | None:
    value, *rest = call.arguments
    if len(rest) == 2 and not (isinstance(rest[1], Literal) and rest[1].type == value.type):
        return f"{call.function} with another type beyond the end"
    return _constant(rest[0], "the distance", 0) if rest else None


def _constant(expression: object, what: str, least: int) -> str | None:
    match expression:
        case Literal(value=int() as value) if least <= value < 2**31:
            return None
    return f"{what} is not a constant of at least {least}"


# --- aggregates ---


def _aggregate(name: str, rule: AggregateRule, rules: Mapping[str, AggregateRule]) -> WindowRule:
    def refuse(call: WindowCall) -> str | None:
        reason = _frame_of(call) or rule.refuse(_measure(call))
        if reason is None and name.startswith("bool_") and call.frame.start is not None:
            # The engine cannot take rows out of them again.
            return f"{name} over a frame that moves on"
        return reason

    def write(call: WindowCall, arguments: list[Sql], over: Over) -> Sql:
        # The arguments come in last, so that nothing in them gets the window.
        marks = [exp.Placeholder(this=str(position)) for position in range(len(arguments))]
        written = rule.write(_measure(call), list(marks))

        def over_window(node: exp.Expr) -> exp.Expr:
            own = isinstance(node, exp.Anonymous) and str(node.this).lower() in rules
            whole = own or isinstance(node, exp.AggFunc)
            return over.of_frame(cast(Sql, node)) if whole else node

        def with_argument(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Placeholder):
                return node
            argument = arguments[int(node.name)].copy()
            loose = isinstance(argument, exp.Binary | exp.Unary)
            return exp.paren(argument, copy=False) if loose else argument

        windowed = written.transform(over_window, copy=False)
        return cast(Sql, windowed.transform(with_argument, copy=False))

    return WindowRule(
        write,
        refuse,
        rule.shown,
        rule.proven,
        rule.takes,
        "; ".join(filter(None, (rule.when, "no frame of values with a distance"))),
        f"{rule.written}, each function OVER …" if rule.written else "",
    )


def _measure(call: WindowCall) -> Measure:
    return Measure(call.function, call.arguments, call.type, call.nullable)
