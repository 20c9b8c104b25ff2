"""Aggregates: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, Sql
from planner.emit.postgres.columns import order
from planner.emit.postgres.conditions import magnitude_bits, refuse_order
from planner.emit.postgres.functions import truncated_division
from planner.emit.postgres.types import (
    BIGINT,
    cast_to,
    function_call,
    is_decimal,
    number,
)
from planner.relations import Literal, Measure


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_floating(argument.type):
        return "a float sum depends on the order of its rows"
    if is_decimal(argument.type) or argument.type in (pa.int16(), pa.int32(), pa.int64()):
        return None
    return f"sum of {argument.type}"


def _avg_of(measure: Measure) -> str | None:
    if pa.types.is_decimal128(measure.arguments[0].type):
        return "a distinct average" if measure.distinct else None
    return "a float average depends on the order of its rows"


def _extreme_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_boolean(argument.type) or pa.types.is_binary(argument.type):
        return f"{measure.function} of {argument.type}"
    return refuse_order(argument)


def _count_of(measure: Measure) -> str | None:
    if len(measure.arguments) > 1:
        return "a count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
    total = exp.Sum(this=arguments[0])
    if not pa.types.is_integer(measure.type):
        return total
    if magnitude_bits(measure.arguments[0]) <= 31:
        return cast_to(total, BIGINT)
    # The engine's sum of bigints wraps; numeric does not, so the excess is taken off here.
    half, whole = number(2**63), number(2**64)
    shifted = exp.Add(this=total, expression=half)
    positive = exp.Add(this=function_call("mod", shifted, whole), expression=whole.copy())
    wrapped = exp.Sub(this=function_call("mod", positive, whole.copy()), expression=half.copy())
    return cast_to(wrapped, BIGINT)


def _write_avg(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = arguments[0]
    count = exp.Count(this=argument.copy(), big_int=True)
    return truncated_division(exp.Sum(this=argument), count, measure.type.scale)


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star(), big_int=True)
    return exp.Count(this=arguments[0], big_int=True)


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(
        _write_count, _count_of, when="of one column", written="COUNT(*), COUNT(x)"
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
        "div() cuts as the engine does",
        takes="decimal",
        when="without DISTINCT",
        written="div(SUM(x) * 10^s, COUNT(x)) * 10^-s",
    ),
    "min": AggregateRule(
        lambda m, a: exp.Min(this=order(a[0], m.arguments[0].type)),
        _extreme_of,
        "code point order by COLLATE",
        takes="any but boolean and bytes",
        when="of floats: neither NaN, infinite nor -0.0, by the expression alone",
        written='MIN(x); of text: MIN(x COLLATE "C")',
    ),
    "max": AggregateRule(
        lambda m, a: exp.Max(this=order(a[0], m.arguments[0].type)),
        _extreme_of,
        "code point order by COLLATE",
        takes="any but boolean and bytes",
        when="of floats: neither NaN, infinite nor -0.0, by the expression alone",
        written='MAX(x); of text: MAX(x COLLATE "C")',
    ),
    "bool_and": AggregateRule(
        lambda _, a: exp.LogicalAnd(this=a[0]), takes="boolean", written="BOOL_AND(x)"
    ),
    "bool_or": AggregateRule(
        lambda _, a: exp.LogicalOr(this=a[0]), takes="boolean", written="BOOL_OR(x)"
    ),
}
