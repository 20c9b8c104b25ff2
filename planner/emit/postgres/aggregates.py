"""Aggregates: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

from functools import reduce
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import AggregateRule, Sql
from planner.emit.postgres.columns import order
from planner.emit.postgres.conditions import magnitude_bits, refuse_order
from planner.emit.postgres.number_functions import truncated_division
from planner.emit.postgres.types import (
    BIGINT,
    cast_to,
    function_call,
    grouped,
    is_decimal,
    is_text,
    number,
)
from planner.emit.postgres.wrapping import wrapped_numeric
from planner.relations import Cast, Expression, Literal, Measure


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_floating(argument.type):
        return "a float sum depends on the order of its rows"
    if is_decimal(argument.type) or argument.type in (pa.int16(), pa.int32(), pa.int64()):
        return None
    return f"sum of {argument.type}"


_EXACT_BITS = 31
"""Of the largest integers of so many bits, four millions have a sum that a float holds exactly; of
more, the engine's own sum depends on the order of its rows."""


def _integer_of(argument: Expression) -> Expression | None:
    """The small integer that is averaged; the engine averages it as a float."""
    if isinstance(argument, Cast) and pa.types.is_integer(argument.input.type):
        return argument.input if magnitude_bits(argument.input) <= _EXACT_BITS else None
    return None


def _avg_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_decimal128(argument.type) or _integer_of(argument) is not None:
        return "a distinct average" if measure.distinct else None
    return "a float average depends on the order of its rows"


def _extreme_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_binary(argument.type):
        return f"{measure.function} of {argument.type}"
    return refuse_order(argument)


def _count_of(measure: Measure) -> str | None:
    if measure.distinct and len(measure.arguments) > 1:
        return "a distinct count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _joined_of(measure: Measure) -> str | None:
    value, separator = measure.arguments
    if not measure.sorts:
        return "texts are joined in the order of their rows, which is not given"
    if measure.distinct:
        return "string_agg of distinct texts"
    constant = isinstance(separator, Literal) and separator.value is not None
    return None if is_text(value.type) and constant else "string_agg of other than text"


def _bits_of(measure: Measure) -> str | None:
    known = measure.arguments[0].type in (pa.int16(), pa.int32(), pa.int64())
    return None if known else f"{measure.function} of {measure.arguments[0].type}"


def _write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
    total = exp.Sum(this=arguments[0])
    if not pa.types.is_integer(measure.type):
        return total
    if magnitude_bits(measure.arguments[0]) <= 31:
        return cast_to(total, BIGINT)
    # The engine's sum of bigints wraps; numeric does not.
    return wrapped_numeric(total)


def _write_avg(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = arguments[0]
    count = exp.Count(this=argument.copy(), big_int=True)
    if pa.types.is_floating(measure.type):
        # A sum of doubles without an error is the same in any order.
        return exp.Div(this=exp.Sum(this=argument), expression=count, typed=True)
    return truncated_division(exp.Sum(this=argument), count, measure.type.scale)


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star(), big_int=True)
    if len(arguments) == 1:
        return exp.Count(this=arguments[0], big_int=True)
    tests: list[Sql] = [
        exp.Not(this=exp.Is(this=grouped(a), expression=exp.Null())) for a in arguments
    ]
    known = reduce(lambda x, y: exp.And(this=x, expression=y), tests)
    return exp.Count(this=exp.Case(ifs=[exp.If(this=known, true=number(1))]), big_int=True)


def _extreme(
    node: type[exp.Min | exp.Max], of_truth: type[exp.AggFunc], name: str
) -> AggregateRule:
    def write(measure: Measure, arguments: list[Sql]) -> Sql:
        if pa.types.is_boolean(measure.type):
            return cast(Sql, of_truth(this=arguments[0]))
        return cast(Sql, node(this=order(arguments[0], measure.arguments[0].type)))

    truth = "BOOL_AND" if of_truth is exp.LogicalAnd else "BOOL_OR"
    return AggregateRule(
        write,
        _extreme_of,
        "code point order by COLLATE; false comes first",
        takes="any but bytes",
        when="of floats: neither NaN, infinite nor -0.0, by the expression alone",
        written=f'{name}(x); of text: {name}(x COLLATE "C"); of boolean: {truth}(x)',
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
        "div() cuts as the engine does; a float holds a sum of integers up to 2^53",
        takes="decimal, smallint, integer",
        when="without DISTINCT; of integers: of at most 31 bits, by their types and constants",
        written="div(SUM(x) * 10^s, COUNT(x)) * 10^-s; of integers: SUM(x) / COUNT(x)",
    ),
    "min": _extreme(exp.Min, exp.LogicalAnd, "MIN"),
    "max": _extreme(exp.Max, exp.LogicalOr, "MAX"),
    "bool_and": AggregateRule(
        lambda _, a: exp.LogicalAnd(this=a[0]), takes="boolean", written="BOOL_AND(x)"
    ),
    "bool_or": AggregateRule(
        lambda _, a: exp.LogicalOr(this=a[0]), takes="boolean", written="BOOL_OR(x)"
    ),
    "string_agg": AggregateRule(
        lambda _, a: function_call("string_agg", *a),
        _joined_of,
        "NULLs are left out in both",
        takes="text, text constant",
        when="with ORDER BY; without DISTINCT",
        written="string_agg(x, y ORDER BY …)",
        ordered=True,
    ),
    "bit_and": _bitwise("bit_and"),
    "bit_or": _bitwise("bit_or"),
    "bit_xor": _bitwise("bit_xor"),
}
