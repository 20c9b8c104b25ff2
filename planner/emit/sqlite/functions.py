"""Functions and aggregates: when SQLite's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, FunctionRule, Sql
from planner.emit.sqlite.columns import refuse_order, width
from planner.relations import Call, Cast, Expression, IfThen, Literal, Measure

_SUMMED_BITS = 31
"""Of values of so many bits, 2^32 rows are summed before an overflow, which fails there."""


def magnitude_bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits."""
    match expression:
        case Literal(value=int() as value):
            return value.bit_length()
        case Cast() if pa.types.is_integer(expression.input.type):
            return magnitude_bits(expression.input)
        case IfThen():
            values = [value for _, value in expression.clauses]
            return max(magnitude_bits(v) for v in (*values, expression.otherwise or values[0]))
        case Call(function="add" | "subtract"):
            return max(magnitude_bits(a) for a in expression.arguments) + 1
        case Call(function="multiply"):
            return sum(magnitude_bits(a) for a in expression.arguments)
    return width(expression.type) or 64


def _comparable(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _arithmetic(call: Call) -> str | None:
    bits = width(call.type)
    if bits is None:
        return f"arithmetic on {call.type} is not exact there"
    # Less, because of two negative bounds the product is one more than fits.
    return None if magnitude_bits(call) < bits else "an overflow is a float there and wraps here"


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=_closed(left), expression=_closed(right)))


def _closed(sql: Sql) -> Sql:
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Unary | exp.In) else sql


def _compare(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: _binary(node, *a),
        _comparable,
        "integers, bytes of texts, ISO dates, the nearest floats of decimals",
        takes="integer, text, date, boolean or decimal of 15 digits, twice",
        written=f"x {symbol} y",
    )


def _operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: _binary(node, *a),
        _arithmetic,
        "integers that cannot overflow",
        takes="integer, twice",
        when="no overflow, by their types and constants",
        written=f"x {symbol} y",
    )


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result, *rest = arguments
        for argument in rest:
            result = _binary(node, result, argument)
        return result

    return FunctionRule(write, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _test(value: Sql, *, negated: bool, written: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=_closed(arguments[0]), expression=value.copy())
        return exp.Not(this=exp.Paren(this=test)) if negated else test

    takes = "any" if isinstance(value, exp.Null) else "boolean"
    return FunctionRule(write, takes=takes, written=written)


_NULL, _TRUE, _FALSE = exp.Null(), exp.Boolean(this=True), exp.Boolean(this=False)

FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And, "AND"),
    "or": _connect(exp.Or, "OR"),
    "not": FunctionRule(
        lambda _, a: exp.Not(this=exp.paren(a[0], copy=False)), takes="boolean", written="NOT x"
    ),
    "equal": _compare(exp.EQ, "="),
    "not_equal": _compare(exp.NEQ, "<>"),
    "lt": _compare(exp.LT, "<"),
    "lte": _compare(exp.LTE, "<="),
    "gt": _compare(exp.GT, ">"),
    "gte": _compare(exp.GTE, ">="),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, "IS"),
    "is_distinct_from": _compare(exp.NullSafeNEQ, "IS NOT"),
    "is_null": _test(_NULL, negated=False, written="x IS NULL"),
    "is_not_null": _test(_NULL, negated=True, written="NOT (x IS NULL)"),
    "is_true": _test(_TRUE, negated=False, written="x IS TRUE"),
    "is_not_true": _test(_TRUE, negated=True, written="NOT (x IS TRUE)"),
    "is_false": _test(_FALSE, negated=False, written="x IS FALSE"),
    "is_not_false": _test(_FALSE, negated=True, written="NOT (x IS FALSE)"),
    "add": _operate(exp.Add, "+"),
    "subtract": _operate(exp.Sub, "-"),
    "multiply": _operate(exp.Mul, "*"),
}


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if width(argument.type) is None:
        return f"a sum of {argument.type} is not exact there"
    small = magnitude_bits(argument) <= _SUMMED_BITS
    return None if small else "an overflow fails there and wraps here"


def _count_of(measure: Measure) -> str | None:
    if len(measure.arguments) > 1:
        return "a count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _extreme_of(measure: Measure) -> str | None:
    return refuse_order(measure.arguments[0])


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star())
    return exp.Count(this=arguments[0])


_ORDERED = "integer, text, date, boolean or decimal of 15 digits"

AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(_write_count, _count_of, written="COUNT(*), COUNT(x)"),
    "sum": AggregateRule(
        lambda _, a: exp.Sum(this=a[0]),
        _sum_of,
        "no overflow within 2^32 rows",
        takes="integer",
        when="of at most 31 bits",
        written="SUM(x)",
    ),
    "min": AggregateRule(
        lambda _, a: exp.Min(this=a[0]), _extreme_of, takes=_ORDERED, written="MIN(x)"
    ),
    "max": AggregateRule(
        lambda _, a: exp.Max(this=a[0]), _extreme_of, takes=_ORDERED, written="MAX(x)"
    ),
    "bool_and": AggregateRule(
        lambda _, a: exp.Min(this=a[0]), shown="0 and 1", takes="boolean", written="MIN(x)"
    ),
    "bool_or": AggregateRule(
        lambda _, a: exp.Max(this=a[0]), shown="0 and 1", takes="boolean", written="MAX(x)"
    ),
}
