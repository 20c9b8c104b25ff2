"""Functions of dates and times: when DuckDB's result is the engine's, and how each is written."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.types import INTEGER, cast_to, function_call, text
from planner.relations import Call, Literal

_OF_DATES = ("year", "quarter", "month", "day", "doy", "dow", "week")
_OF_TIMES = ("hour", "minute", "second")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


def _part_of(call: Call) -> str:
    part = call.arguments[0]
    return str(part.value).lower() if isinstance(part, Literal) else ""


def _date_part(call: Call) -> str | None:
    type_ = call.arguments[1].type
    parts = _OF_DATES if type_ == pa.date32() else (*_OF_DATES, *_OF_TIMES)
    if _part_of(call) not in parts:
        return "this part of a date"
    if type_ not in (pa.date32(), pa.timestamp("us")) or call.type != pa.int32():
        return f"a part of {type_}"
    return None


def _date_trunc(call: Call) -> str | None:
    if _part_of(call) not in _UNITS:
        return "this unit of a date"
    type_ = call.arguments[1].type
    return None if type_ == call.type == pa.timestamp("us") else f"date_trunc of {type_}"


def _write_date_part(call: Call, arguments: list[Sql]) -> Sql:
    part = text(_part_of(call))
    return cast_to(function_call("date_part", part, arguments[1]), INTEGER)


def _write_date_trunc(call: Call, arguments: list[Sql]) -> Sql:
    """With nothing added: DuckDB 1.5 decides a bare one's (in)equality with a constant inside a
    unit without a look at NULL."""
    nothing = exp.Interval(this=text("0"), unit=exp.var("SECOND"))
    truncated = function_call("date_trunc", text(_part_of(call)), arguments[1])
    return exp.Add(this=truncated, expression=nothing)


TIME_FUNCTIONS: dict[str, FunctionRule] = {
    "date_part": FunctionRule(_write_date_part, _date_part, "the proleptic calendar in both"),
    "date_trunc": FunctionRule(
        _write_date_trunc,
        _date_trunc,
        "weeks begin on Monday; the engine fails for years beyond 1677 and 2262",
    ),
}
