"""Arrays: how they are read and how they leave, and the little that goes there of them.

An array there has any number of dimensions, whatever its column says; a list has one. So each list
leaves with its value's number of dimensions beside it, by which the connector refuses the value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeVar, cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.dialect import AggregateRule, FunctionRule, Sql, WindowRule
from planner.emit.postgres.types import TEXT, cast_to, function_call, is_decimal, type_sql
from planner.relations import Call, Expression, IfThen, Measure, WindowCall, walk_expression

DOMAIN_ELEMENTS = "domain elements"
"""The trait of a column whose elements are of a domain: see the connector's types."""

TAKE_ARRAYS = frozenset({"is_null", "is_not_null", "count"})
"""The functions and aggregates that look no further than whether there is an array."""

_Asked = TypeVar("_Asked", Call, Measure, WindowCall)
_Rule = TypeVar("_Rule", FunctionRule, AggregateRule, WindowRule)


def read_array(column: Column, sql: Sql) -> Sql:
    """A column of arrays, whose elements are of the type that has their Arrow type there."""
    element = column.type.value_type
    if pa.types.is_string(element):
        return sql if column.native_type == "text[]" else cast_to(sql, _array_of(TEXT))
    if DOMAIN_ELEMENTS not in column.traits:
        return sql
    return cast_to(sql, _array_of(cast(exp.DataType, type_sql(element))))


def output_array(sql: Sql, type_: pa.DataType) -> Sql:
    """An array that starts at 1, decimals as text, and its number of dimensions."""
    dimensions = function_call("array_ndims", sql.copy())
    if is_decimal(type_.value_type):
        sql = cast_to(sql, _array_of(TEXT))
    # A slice starts at 1, and this one is all of it; the driver takes no other start.
    bare = isinstance(sql, exp.Column)
    whole = exp.Bracket(this=sql if bare else exp.paren(sql, copy=False), expressions=[exp.Slice()])
    return exp.Tuple(expressions=[whole, dimensions])


def without_arrays(rules: Mapping[str, _Rule], taking: Collection[str] = ()) -> dict[str, _Rule]:
    """Rules that refuse arrays as arguments, but those that are named."""
    return {
        name: rule if name in taking else replace(rule, refuse=_refusing(rule.refuse))
        for name, rule in rules.items()
    }


def chooses_arrays(expression: Expression) -> bool:
    """Whether a CASE in it gives an array."""
    return any(
        isinstance(part, IfThen) and pa.types.is_list(part.type)
        for part in walk_expression(expression)
    )


def _refusing(refuse: Callable[[_Asked], str | None]) -> Callable[[_Asked], str | None]:
    def checked(asked: _Asked) -> str | None:
        if any(pa.types.is_list(argument.type) for argument in asked.arguments):
            return f"{asked.function} of an array is not proven there"
        return refuse(asked)

    return checked


def _array_of(element: exp.DataType) -> exp.DataType:
    return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[element.copy()], nested=True)
