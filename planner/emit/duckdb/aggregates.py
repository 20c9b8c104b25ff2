"""Aggregates: when DuckDB's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, Sql
from planner.emit.duckdb.conditions import magnitude_bits, refuse_order, signed_width
from planner.emit.duckdb.types import (
    BIGINT,
    DOUBLE,
    HUGEINT,
    MOST_DIGITS,
    cast_to,
    decimal,
    function_call,
    grouped,
    number,
    scaled,
    type_sql,
    unscaled,
    wrapped,
)
from planner.relations import Cast, Expression, Literal, Measure

# What the engine adds to a sum's digits, for many rows.
_SUM_DIGITS = 10


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_floating(argument.type):
        return "a float sum depends on the order of its rows"
    if pa.types.is_decimal128(argument.type) or signed_width(argument.type) is not None:
        return None
    return f"sum of {argument.type}"


_EXACT_BITS = 31
"""Of the largest integers of so many bits, four millions have a sum that a float holds exactly; of
more, the engine's own sum depends on the order of its rows."""


def _integer_of(argument: Expression) -> Expression | None:
    """The small integer that is averaged; the engine averages it as a float."""
    if isinstance(argument, Cast) and signed_width(argument.input.type) is not None:
        return argument.input if magnitude_bits(argument.input) <= _EXACT_BITS else None
    return None


def _avg_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if not pa.types.is_decimal128(argument.type) and _integer_of(argument) is None:
        return "a float average depends on the order of its rows"
    return "a distinct average" if measure.distinct else None


def _extreme_of(measure: Measure) -> str | None:
    return refuse_order(measure.arguments[0])


def _count_of(measure: Measure) -> str | None:
    if not measure.distinct:
        return None
    if len(measure.arguments) > 1:
        return "a distinct count of several columns"
    return refuse_order(measure.arguments[0])


def _bits_of(measure: Measure) -> str | None:
    type_ = measure.arguments[0].type
    return None if signed_width(type_) is not None else f"{measure.function} of {type_}"


def _write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
    total = exp.Sum(this=arguments[0])
    if not pa.types.is_integer(measure.type):
        return cast_to(total, cast(exp.DataType, type_sql(measure.type)))
    if magnitude_bits(measure.arguments[0]) <= 31:
        return cast_to(total, BIGINT)
    # The engine's sum of bigints wraps; a HUGEINT does not, so the excess is taken off here.
    return cast_to(wrapped(total, 63, HUGEINT), BIGINT)


def _write_avg(measure: Measure, arguments: list[Sql]) -> Sql:
    """The sum's digits, with those of the average's scale added, divided by the count and cut."""
    argument, type_ = arguments[0], measure.arguments[0].type
    if pa.types.is_floating(measure.type):
        # A sum of doubles without an error is the same in any order.
        return exp.Div(
            this=exp.Sum(this=argument),
            expression=cast_to(exp.Count(this=argument.copy(), big_int=True), DOUBLE),
        )
    precision = min(type_.precision + _SUM_DIGITS, MOST_DIGITS)
    total = cast_to(exp.Sum(this=argument), decimal(precision, type_.scale))
    digits = unscaled(total, pa.decimal128(precision, type_.scale))
    shift = cast_to(number(10 ** (measure.type.scale - type_.scale)), HUGEINT)
    count = exp.Count(this=argument.copy(), big_int=True)
    # A group without values has a sum of NULL: its zero is never divided by.
    dividend = exp.Paren(this=exp.Mul(this=digits, expression=shift))
    return scaled(exp.IntDiv(this=dividend, expression=count), measure.type)


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star(), big_int=True)
    if len(arguments) == 1:
        return exp.Count(this=arguments[0], big_int=True)
    tests: list[Sql] = [
        exp.Not(this=exp.Is(this=grouped(a), expression=exp.Null())) for a in arguments
    ]
    known = tests[0]
    for test in tests[1:]:
        known = exp.And(this=known, expression=test)
    return exp.Count(this=exp.Case(ifs=[exp.If(this=known, true=number(1))]), big_int=True)


def _extreme(node: type[exp.Min | exp.Max], name: str) -> AggregateRule:
    return AggregateRule(
        lambda _, a: cast(Sql, node(this=a[0])),
        _extreme_of,
        "binary collation; false comes first",
        takes="any with an order",
        when="of floats: none can be NaN, infinite or -0.0, by the expression alone",
        written=f"{name}(x)",
    )


def _bitwise(name: str) -> AggregateRule:
    return AggregateRule(
        lambda _, a: function_call(name, *a),
        _bits_of,
        "two's complement in both",
        takes="integer",
        written=f"{name}(x)",
    )


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(
        _write_count,
        _count_of,
        when="with DISTINCT: of one column",
        written="COUNT(*), COUNT(x), COUNT(CASE WHEN NOT x IS NULL AND … THEN 1 END)",
    ),
    "sum": AggregateRule(
        _write_sum,
        _sum_of,
        "exact decimals; bigints wrapped as in the engine",
        takes="integer or decimal",
        written="SUM(x); of bigint: its excess over 64 bits taken off",
    ),
    "avg": AggregateRule(
        _write_avg,
        _avg_of,
        "// cuts as the engine does; a float holds a sum of integers up to 2^53",
        takes="decimal, tinyint, smallint, integer",
        when="without DISTINCT; of integers: of at most 31 bits, by their types and constants",
        written="SUM(x) * 10^s // COUNT(x) * 10^-s; of integers: SUM(x) / COUNT(x)",
    ),
    "min": _extreme(exp.Min, "MIN"),
    "max": _extreme(exp.Max, "MAX"),
    "bool_and": AggregateRule(
        lambda _, a: exp.LogicalAnd(this=a[0]), takes="boolean", written="BOOL_AND(x)"
    ),
    "bool_or": AggregateRule(
        lambda _, a: exp.LogicalOr(this=a[0]), takes="boolean", written="BOOL_OR(x)"
    ),
    "bit_and": _bitwise("bit_and"),
    "bit_or": _bitwise("bit_or"),
    "bit_xor": _bitwise("bit_xor"),
}
