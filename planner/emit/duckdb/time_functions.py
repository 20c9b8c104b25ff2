"""Functions of dates and times: when DuckDB's result is the engine's, and how each is written.

A session's time zone is UTC, which is the engine's.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.types import (
    DATE,
    INTEGER,
    TIMESTAMP_NS,
    cast_to,
    function_call,
    grouped,
    signed,
    text,
)
from planner.relations import Call, Cast, Expression, Literal

_OF_DATES = ("year", "quarter", "month", "week", "day", "doy", "dow", "isodow", "isoyear")
_OF_TIMES = ("hour", "minute", "second", "millisecond", "microsecond")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_MOMENTS = (pa.timestamp("us"), pa.timestamp("us", "UTC"))
_PARTS = {
    pa.date32(): _OF_DATES,
    pa.time64("us"): _OF_TIMES,
    **dict.fromkeys(_MOMENTS, (*_OF_DATES, *_OF_TIMES)),
}


def _part_of(call: Call) -> str:
    part = call.arguments[0]
    return str(part.value).lower() if isinstance(part, Literal) else ""


def _date_part(call: Call) -> str | None:
    type_, part = call.arguments[1].type, _part_of(call)
    if type_ not in _PARTS:
        return f"a part of {type_}"
    if part == "epoch" and call.type == pa.float64():
        return None
    if part not in _PARTS[type_]:
        return "this part of a date"
    return None if call.type == pa.int32() else f"a part of {type_} as {call.type}"


def _write_date_part(call: Call, arguments: list[Sql]) -> Sql:
    part = function_call("date_part", text(_part_of(call)), arguments[1])
    return part if call.type == pa.float64() else cast_to(part, INTEGER)


def is_whole_moment(argument: Expression) -> bool:
    """A moment in nanoseconds that was a date: it has no digits that DuckDB would round."""
    if isinstance(argument, Call) and argument.function == "date_trunc":
        argument = argument.arguments[1]
    return isinstance(argument, Cast) and argument.input.type == pa.date32()


def _date_trunc(call: Call) -> str | None:
    if _part_of(call) not in _UNITS:
        return "this unit of a date"
    argument = call.arguments[1]
    if argument.type == call.type and argument.type in _MOMENTS:
        return None
    whole = argument.type == call.type == pa.timestamp("ns") and is_whole_moment(argument)
    return None if whole else f"date_trunc of {argument.type}"


def _write_date_trunc(call: Call, arguments: list[Sql]) -> Sql:
    """With nothing added: DuckDB 1.5 decides a bare one's (in)equality with a constant inside a
    unit without a look at NULL."""
    nothing = exp.Interval(this=text("0"), unit=exp.var("SECOND"))
    truncated = function_call("date_trunc", text(_part_of(call)), arguments[1])
    moment = exp.Add(this=truncated, expression=nothing)
    return cast_to(moment, TIMESTAMP_NS) if call.type == pa.timestamp("ns") else moment


def _make_date(call: Call) -> str | None:
    year = call.arguments[0]
    constant = isinstance(year, Literal) and isinstance(year.value, int) and 1 <= year.value <= 9999
    if not constant and not (isinstance(year, Call) and year.function == "date_part"):
        return "only a constant year, or a part of a date, is pushed"
    return None if all(a.type == pa.int32() for a in call.arguments) else "make_date of no integers"


_NANOSECONDS_A_DAY = 86_400_000_000_000


def is_day_count(call: Call) -> bool:
    """Whether a subtraction is that of two dates."""
    return call.function == "subtract" and all(a.type == pa.date32() for a in call.arguments)


def is_shift(call: Call) -> bool:
    """Whether an addition or subtraction moves a date or a moment by a constant interval."""
    by = call.arguments[1]
    return isinstance(by, Literal) and pa.types.is_interval(by.type) and by.value is not None


def refuse_shift(call: Call) -> str | None:
    """Why a move by an interval may differ there."""
    of, by = call.arguments[0].type, cast(Literal, call.arguments[1]).value
    if of != call.type or of not in (pa.date32(), *_MOMENTS):
        return f"an interval from {of}"
    return "an interval of nanoseconds" if by.nanoseconds % 1000 else None


def write_shift(call: Call, arguments: list[Sql]) -> Sql:
    """Months first, then days, then the rest, in both; of a date the rest is whole days."""
    by = cast(Literal, call.arguments[1]).value
    sign = 1 if call.function == "add" else -1
    steps = {"to_months": by.months, "to_days": by.days}
    if call.type == pa.date32():
        whole = int(abs(by.nanoseconds) // _NANOSECONDS_A_DAY)
        steps["to_days"] += -whole if by.nanoseconds < 0 else whole
    else:
        steps["to_microseconds"] = by.nanoseconds // 1000
    moved = arguments[0]
    for name, count in steps.items():
        if count:
            step = function_call(name, signed(str(sign * count)))
            moved = exp.Add(this=grouped(moved), expression=step)
    return cast_to(moved, DATE) if call.type == pa.date32() else moved


TIME_FUNCTIONS: dict[str, FunctionRule] = {
    "date_part": FunctionRule(
        _write_date_part,
        _date_part,
        "the proleptic calendar in both",
        takes="part, date, time or timestamp",
        when=f"one of {', '.join((*_OF_DATES, *_OF_TIMES, 'epoch'))}",
        written="CAST(date_part(x, y) AS INT)",
    ),
    "date_trunc": FunctionRule(
        _write_date_trunc,
        _date_trunc,
        "weeks begin on Monday; the engine fails for years beyond 1677 and 2262",
        takes="unit, date or timestamp",
        when=f"one of {', '.join(_UNITS)}",
        written="date_trunc(x, y) + INTERVAL '0' SECOND",
    ),
    "make_date": FunctionRule(
        lambda _, a: function_call("make_date", *a),
        _make_date,
        "both fail for a day that is none",
        takes="integer, integer, integer",
        when="the year is a constant from 1 to 9999, or a part of a date",
        written="make_date(x, y, z)",
    ),
}
