"""Windows and grouping sets in DataFusion's SQL: the same engine, so each is itself."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.datafusion.aggregates import AGGREGATES
from planner.emit.datafusion.types import arrow_name, function_call, text
from planner.emit.dialect import FunctionRule, Sql, WindowRule
from planner.emit.grouping import grouping_rule
from planner.emit.windows import aggregated, ranking


def _as_it_is(sql: Sql, _: pa.DataType) -> Sql:
    return sql


def _of_type(sql: Sql, type_: pa.DataType) -> Sql:
    return function_call("arrow_cast", sql, text(str(arrow_name(type_))))


WINDOWS: dict[str, WindowRule] = {
    **ranking(_as_it_is),
    **aggregated(AGGREGATES, ("count", "sum", "avg", "min", "max", "bool_and", "bool_or")),
}


def grouping_id(groups: list[Sql], type_: pa.DataType) -> Sql:
    """GROUPING(x, y, …), in the type of its column."""
    return _of_type(exp.Grouping(expressions=groups), type_)


GROUPING: dict[str, FunctionRule] = {"grouping": grouping_rule(_of_type)}
