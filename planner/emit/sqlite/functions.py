"""Functions and aggregates: when SQLite's result is the engine's, and how each is written there."""

from __future__ import annotations

from functools import reduce
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, FunctionRule, Sql
from planner.emit.sqlite.columns import call as sqlite_call
from planner.emit.sqlite.columns import number, refuse_order, width
from planner.emit.sqlite.conditions import magnitude_bits
from planner.emit.sqlite.number_functions import NUMBER_FUNCTIONS, closed
from planner.emit.sqlite.text_functions import TEXT_FUNCTIONS
from planner.emit.sqlite.time_functions import TIME_FUNCTIONS
from planner.relations import Call, Cast, Literal, Measure

_SMALL_BITS = 31
"""Of values of so many bits, 2^32 rows are summed before an overflow, which fails there; and the
sums of four millions of the largest are exact as floats."""


def _comparable(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=closed(left), expression=closed(right)))


def _compare(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: _binary(node, *a),
        _comparable,
        "integers, bytes of texts, ISO dates, the nearest floats of decimals",
        takes=f"{_ORDERED}, twice",
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
        test = exp.Is(this=closed(arguments[0]), expression=value.copy())
        return exp.Not(this=exp.Paren(this=test)) if negated else test

    takes = "any" if isinstance(value, exp.Null) else "boolean"
    return FunctionRule(write, takes=takes, written=written)


def _extreme(name: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        # NULL of any NULL there: each is the first of the others that is none.
        turned = [arguments[i:] + arguments[:i] for i in range(len(arguments))]
        known = [sqlite_call("coalesce", *(a.copy() for a in turn)) for turn in turned]
        return sqlite_call(name, *known) if len(arguments) > 1 else arguments[0]

    return FunctionRule(
        write,
        _comparable,
        "NULLs are left out in both",
        takes=f"{_ORDERED}, …",
        written=f"{name}(coalesce(x, y, …), coalesce(y, …, x), …)",
    )


_ORDERED = "integer, text, date, boolean or decimal of 15 digits"

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
    "nullif": FunctionRule(
        lambda _, a: exp.Nullif(this=a[0], expression=a[1]),
        _comparable,
        "by =",
        takes=f"{_ORDERED}, twice",
        written="NULLIF(x, y)",
    ),
    "greatest": _extreme("max"),
    "least": _extreme("min"),
    **NUMBER_FUNCTIONS,
    **TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
}


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if width(argument.type) is None:
        return f"a sum of {argument.type} is not exact there"
    small = magnitude_bits(argument) <= _SMALL_BITS
    return None if small else "an overflow fails there and wraps here"


def _avg_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if not isinstance(argument, Cast) or width(argument.input.type) is None:
        return f"an average of {argument.type} is not exact there"
    if magnitude_bits(argument.input) > _SMALL_BITS:
        return "a float average depends on the order of its rows"
    return "a distinct average" if measure.distinct else None


def _write_avg(_: Measure, arguments: list[Sql]) -> Sql:
    count = exp.Count(this=arguments[0].copy())
    return exp.Div(this=exp.Sum(this=arguments[0]), expression=count, typed=True, safe=True)


def _count_of(measure: Measure) -> str | None:
    if not measure.distinct:
        return None
    if len(measure.arguments) > 1:
        return "a distinct count of several columns"
    return refuse_order(measure.arguments[0])


def _extreme_of(measure: Measure) -> str | None:
    return refuse_order(measure.arguments[0])


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star())
    if len(arguments) == 1:
        return exp.Count(this=arguments[0])
    tests: list[Sql] = [
        exp.Not(this=exp.Paren(this=exp.Is(this=closed(a), expression=exp.Null())))
        for a in arguments
    ]
    known = reduce(lambda x, y: _binary(exp.And, x, y), tests)
    return exp.Count(this=exp.Case(ifs=[exp.If(this=known, true=number(1))]))


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(
        _write_count,
        _count_of,
        when="with DISTINCT: of one column",
        written="COUNT(*), COUNT(x), COUNT(CASE WHEN NOT (x IS NULL) AND … THEN 1 END)",
    ),
    "sum": AggregateRule(
        lambda _, a: exp.Sum(this=a[0]),
        _sum_of,
        "no overflow within 2^32 rows",
        takes="integer",
        when="of at most 31 bits",
        written="SUM(x)",
    ),
    "avg": AggregateRule(
        _write_avg,
        _avg_of,
        "a float holds a sum of integers up to 2^53",
        takes="integer",
        when="of at most 31 bits, without DISTINCT",
        written="SUM(CAST(x AS REAL)) / COUNT(x)",
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
