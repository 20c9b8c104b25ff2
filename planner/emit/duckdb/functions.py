"""Scalar functions: when DuckDB's result is the engine's, and how each is written there.

Owns what every type has: logic, comparisons, and the choice between values.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.columns import bare
from planner.emit.duckdb.conditions import is_ordinary, refuse_order
from planner.emit.duckdb.number_functions import NUMBER_FUNCTIONS
from planner.emit.duckdb.text_functions import TEXT_FUNCTIONS
from planner.emit.duckdb.time_functions import TIME_FUNCTIONS
from planner.emit.duckdb.types import function_call, grouped
from planner.relations import Call, Expression, Literal


def _comparable(call: Call) -> str | None:
    return None if _with_a_number(call) is not None else _ordered(call)


def _ordered(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _with_a_number(call: Call) -> Expression | None:
    """The float that is compared with a constant other than zero, infinity and NaN.

    −0.0 is then nothing special; which NaN it is, is (see `_compare`).
    """
    for value, constant in (call.arguments, call.arguments[::-1]):
        if isinstance(constant, Literal) and pa.types.is_floating(constant.type):
            return value if is_ordinary(constant) else None
    return None


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=left, expression=right))


# Which of the two sides must be the smaller one; NaN with a sign is smaller than every number in
# the engine, and larger in DuckDB.
_LEFT_IS_SMALLER = {exp.LT: True, exp.LTE: True, exp.GT: False, exp.GTE: False}


def _compare(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = arguments
        if not all(isinstance(a, Literal) for a in call.arguments):
            left, right = (bare(a, s) for a, s in zip(call.arguments, arguments, strict=True))
        result = _binary(node, grouped(left), grouped(right))
        value = _with_a_number(call)
        if value is None or is_ordinary(value) or node not in _LEFT_IS_SMALLER:
            return result
        is_left = value is call.arguments[0]
        sql = arguments[0] if is_left else arguments[1]
        negative = exp.And(
            this=function_call("isnan", sql.copy()), expression=function_call("signbit", sql.copy())
        )
        if _LEFT_IS_SMALLER[node] is is_left:
            return exp.Paren(this=exp.Or(this=result, expression=exp.Paren(this=negative)))
        return exp.Paren(
            this=exp.And(this=result, expression=exp.Not(this=exp.Paren(this=negative)))
        )

    return FunctionRule(
        write,
        _comparable,
        "binary collation; NaN with a sign is told apart",
        takes="any with an order, twice",
        when="of floats: with a constant other than 0, or none can be NaN, infinite or -0.0,"
        " by the expression alone",
        written=f"x {symbol} y",
    )


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = _binary(node, result, _clause(argument, node))
        return result

    return FunctionRule(write, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Column | exp.Paren | exp.Exists | exp.Like | exp.In | exp.Func)
    # To sqlglot AND and OR are functions too.
    bare = simple and not isinstance(inner, exp.Connector)
    return exp.Not(this=inner if bare else exp.paren(inner, copy=False))


def _is(value: Sql, symbol: str, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    takes = "any" if isinstance(value, exp.Null) else "boolean"
    written = f"NOT x IS {symbol}" if negated else f"x IS {symbol}"
    return FunctionRule(write, takes=takes, written=written)


def _extreme(name: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: function_call(name, *a),
        _ordered,
        "NULLs are left out in both; binary collation",
        takes="any with an order, …",
        when=_NO_ODD_FLOATS,
        written=f"{name}(x, y, …)",
    )


_TRUE, _FALSE = exp.Boolean(this=True), exp.Boolean(this=False)
_NO_ODD_FLOATS = "of floats: none can be NaN, infinite or -0.0, by the expression alone"

FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And, "AND"),
    "or": _connect(exp.Or, "OR"),
    "not": FunctionRule(_not, takes="boolean", written="NOT x"),
    "equal": _compare(exp.EQ, "="),
    "not_equal": _compare(exp.NEQ, "<>"),
    "lt": _compare(exp.LT, "<"),
    "lte": _compare(exp.LTE, "<="),
    "gt": _compare(exp.GT, ">"),
    "gte": _compare(exp.GTE, ">="),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, "IS NOT DISTINCT FROM"),
    "is_distinct_from": _compare(exp.NullSafeNEQ, "IS DISTINCT FROM"),
    "is_null": _is(exp.Null(), "NULL", negated=False),
    "is_not_null": _is(exp.Null(), "NULL", negated=True),
    "is_true": _is(_TRUE, "TRUE", negated=False),
    "is_not_true": _is(_TRUE, "TRUE", negated=True),
    "is_false": _is(_FALSE, "FALSE", negated=False),
    "is_not_false": _is(_FALSE, "FALSE", negated=True),
    "nullif": FunctionRule(
        lambda _, a: exp.Nullif(this=a[0], expression=a[1]),
        _ordered,
        "by =",
        takes="any with an order, twice",
        when=_NO_ODD_FLOATS,
        written="NULLIF(x, y)",
    ),
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    **NUMBER_FUNCTIONS,
    **TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
}
