"""Windows and grouping sets: when PostgreSQL's result is the engine's, and how each is written."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql, WindowRule
from planner.emit.grouping import grouping_rule
from planner.emit.postgres.aggregates import AGGREGATES
from planner.emit.windows import aggregated, ranking


def _as_it_is(sql: Sql, _: pa.DataType) -> Sql:
    """Its integers stand for the engine's unsigned numbers: none is negative."""
    return sql


WINDOWS: dict[str, WindowRule] = {
    **ranking(_as_it_is),
    **aggregated(AGGREGATES, ("count", "sum", "avg", "min", "max", "bool_and", "bool_or")),
}


def grouping_id(groups: list[Sql], _: pa.DataType) -> Sql:
    """GROUPING(x, y, …), an integer there."""
    return exp.Grouping(expressions=groups)


GROUPING: dict[str, FunctionRule] = {"grouping": grouping_rule(_as_it_is)}
