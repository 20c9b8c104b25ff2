"""Windows and grouping sets: when DuckDB's result is the engine's, and how each is written."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql, WindowRule
from planner.emit.duckdb.aggregates import AGGREGATES
from planner.emit.duckdb.types import cast_to, type_sql
from planner.emit.grouping import grouping_rule
from planner.emit.windows import aggregated, ranking


def _of_type(sql: Sql, type_: pa.DataType) -> Sql:
    return cast_to(sql, cast(exp.DataType, type_sql(type_)))


def _typed(sql: Sql, type_: pa.DataType) -> Sql:
    """Exactly the engine's type: its numbers of rows are unsigned."""
    return _of_type(sql, type_) if pa.types.is_unsigned_integer(type_) else sql


WINDOWS: dict[str, WindowRule] = {
    **ranking(_typed),
    **aggregated(AGGREGATES, ("count", "sum", "avg", "min", "max", "bool_and", "bool_or")),
}


def grouping_id(groups: list[Sql], type_: pa.DataType) -> Sql:
    """GROUPING(x, y, …), in the engine's type."""
    return _of_type(exp.Grouping(expressions=groups), type_)


GROUPING: dict[str, FunctionRule] = {"grouping": grouping_rule(_of_type)}
