"""Windows and grouping sets: when PostgreSQL's result is the engine's, and how each is written."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Over, Sql, WindowRule
from planner.emit.grouping import grouping_rule
from planner.emit.postgres.aggregates import AGGREGATES
from planner.emit.postgres.types import TEXT, cast_to
from planner.emit.windows import aggregated, ranking
from planner.relations import WindowCall


def _as_it_is(sql: Sql, _: pa.DataType) -> Sql:
    """Its integers stand for the engine's unsigned numbers: none is negative."""
    return sql


def _of_texts(rule: WindowRule) -> WindowRule:
    """A function of any type, to which a bare text constant is of none."""

    def write(call: WindowCall, arguments: list[Sql], over: Over) -> Sql:
        return rule.write(call, [cast_to(a, TEXT) if a.is_string else a for a in arguments], over)

    return replace(rule, write=write)


WINDOWS: dict[str, WindowRule] = {
    **{name: _of_texts(rule) for name, rule in ranking(_as_it_is).items()},
    **aggregated(AGGREGATES, ("count", "sum", "avg", "min", "max", "bool_and", "bool_or")),
}


def grouping_id(groups: list[Sql], _: pa.DataType) -> Sql:
    """GROUPING(x, y, …), an integer there."""
    return exp.Grouping(expressions=groups)


GROUPING: dict[str, FunctionRule] = {"grouping": grouping_rule(_as_it_is)}
