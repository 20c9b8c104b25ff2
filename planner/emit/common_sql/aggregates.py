"""Aggregates of common SQL, by a dialect's description; each unproven."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.common_sql.columns import Columns, cast_to
from planner.emit.common_sql.description import Description
from planner.emit.common_sql.functions import magnitude_bits
from planner.emit.dialect import AggregateRule, Sql
from planner.relations import Literal, Measure

_READ_BACK = "by its documentation; read back, not run"


def aggregates(description: Description, columns: Columns) -> dict[str, AggregateRule]:
    """The dialect's aggregates; averages have no rule: dialects cut and round differently."""

    def typed(sql: Sql, type_: pa.DataType) -> Sql:
        return cast_to(sql, cast(exp.DataType, description.type_sql(type_)))

    def sum_of(measure: Measure) -> str | None:
        argument = measure.arguments[0]
        if pa.types.is_floating(argument.type):
            return "a float sum depends on the order of its rows"
        if pa.types.is_decimal128(argument.type):
            return None
        small = pa.types.is_signed_integer(argument.type) and magnitude_bits(argument) <= 31
        return None if small else f"a sum of {argument.type} may overflow, which fails there"

    def write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
        argument = arguments[0]
        if pa.types.is_integer(measure.type) and not measure.distinct:
            # T-SQL's sum of INT is INT.
            argument = typed(argument, measure.type)
        return typed(exp.Sum(this=argument), measure.type)

    def extreme_of(measure: Measure) -> str | None:
        argument = measure.arguments[0]
        if pa.types.is_boolean(argument.type) or pa.types.is_binary(argument.type):
            return f"{measure.function} of {argument.type}"
        return columns.refuse_order(argument)

    def extreme(node: type[exp.Min | exp.Max], name: str) -> AggregateRule:
        def write(_: Measure, arguments: list[Sql]) -> Sql:
            return cast(Sql, node(this=arguments[0]))

        return AggregateRule(
            write, extreme_of, _READ_BACK, False, "any but floats and booleans", "", f"{name}(x)"
        )

    def count_of(measure: Measure) -> str | None:
        if len(measure.arguments) > 1:
            return "a count of several columns"
        return columns.refuse_order(measure.arguments[0]) if measure.distinct else None

    def write_count(measure: Measure, arguments: list[Sql]) -> Sql:
        argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
        if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
            return exp.Count(this=exp.Star(), big_int=True)
        return exp.Count(this=arguments[0], big_int=True)

    return {
        "count": AggregateRule(
            write_count, count_of, _READ_BACK, False, "any", "of one column", "COUNT(*), COUNT(x)"
        ),
        "sum": AggregateRule(
            write_sum,
            sum_of,
            _READ_BACK,
            False,
            "integer or decimal",
            "it cannot overflow",
            "CAST(SUM(x) AS the result's type)",
        ),
        "min": extreme(exp.Min, "MIN"),
        "max": extreme(exp.Max, "MAX"),
    }
