"""Aggregates: when DuckDB's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, Sql
from planner.emit.duckdb.conditions import magnitude_bits, refuse_order, signed_width
from planner.emit.duckdb.types import (
    BIGINT,
    HUGEINT,
    MOST_DIGITS,
    cast_to,
    decimal,
    number,
    scaled,
    type_sql,
    unscaled,
)
from planner.relations import Literal, Measure

# What the engine adds to a sum's digits, for many rows.
_SUM_DIGITS = 10


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_floating(argument.type):
        return "a float sum depends on the order of its rows"
    if pa.types.is_decimal128(argument.type) or signed_width(argument.type) is not None:
        return None
    return f"sum of {argument.type}"


def _avg_of(measure: Measure) -> str | None:
    type_ = measure.arguments[0].type
    if not pa.types.is_decimal128(type_):
        return "a float average depends on the order of its rows"
    return "a distinct average" if measure.distinct else None


def _extreme_of(measure: Measure) -> str | None:
    return refuse_order(measure.arguments[0])


def _count_of(measure: Measure) -> str | None:
    if len(measure.arguments) > 1:
        return "a count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
    total = exp.Sum(this=arguments[0])
    if not pa.types.is_integer(measure.type):
        return cast_to(total, cast(exp.DataType, type_sql(measure.type)))
    if magnitude_bits(measure.arguments[0]) <= 31:
        return cast_to(total, BIGINT)
    # The engine's sum of bigints wraps; a HUGEINT does not, so the excess is taken off here.
    half, whole = cast_to(number(2**63), HUGEINT), cast_to(number(2**64), HUGEINT)
    shifted = exp.Paren(this=exp.Add(this=total, expression=half))
    low = exp.Mod(this=shifted, expression=whole)
    positive = exp.Paren(this=exp.Add(this=exp.Paren(this=low), expression=whole.copy()))
    wrapped = exp.Paren(this=exp.Mod(this=positive, expression=whole.copy()))
    return cast_to(exp.Sub(this=wrapped, expression=half.copy()), BIGINT)


def _write_avg(measure: Measure, arguments: list[Sql]) -> Sql:
    """The sum's digits, with those of the average's scale added, divided by the count and cut."""
    argument, type_ = arguments[0], measure.arguments[0].type
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
    return exp.Count(this=arguments[0], big_int=True)


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(_write_count, _count_of),
    "sum": AggregateRule(_write_sum, _sum_of, "exact decimals; bigints wrapped as in the engine"),
    "avg": AggregateRule(_write_avg, _avg_of, "// cuts as the engine does"),
    "min": AggregateRule(lambda _, a: exp.Min(this=a[0]), _extreme_of),
    "max": AggregateRule(lambda _, a: exp.Max(this=a[0]), _extreme_of),
    "bool_and": AggregateRule(lambda _, a: exp.LogicalAnd(this=a[0])),
    "bool_or": AggregateRule(lambda _, a: exp.LogicalOr(this=a[0])),
}
