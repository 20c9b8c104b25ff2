"""Functions of dates and times: when PostgreSQL's result is the engine's, and how each is written.

A session's time zone is UTC, which is the engine's.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import write_literal
from planner.emit.postgres.types import (
    DATE,
    INTEGER,
    INTERVAL,
    cast_to,
    function_call,
    grouped,
    number,
    text,
)
from planner.relations import Call, Expression, Literal

_OF_DATES = ("year", "quarter", "month", "week", "day", "doy", "dow", "isodow", "isoyear")
_OF_TIMES = ("hour", "minute", "second", "millisecond", "microsecond")
_UNITS = (
    *("year", "quarter", "month", "week", "day", "hour", "minute", "second"),
    *("millisecond", "microsecond"),
)
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
    type_ = call.arguments[1].type
    if type_ not in _PARTS:
        return f"a part of {type_}"
    if _part_of(call) == "epoch" and call.type == pa.float64() and type_ != pa.time64("us"):
        return None
    if _part_of(call) not in _PARTS[type_]:
        return "this part of a date"
    return None if call.type == pa.int32() else f"a part of {type_} as {call.type}"


def _write_date_part(call: Call, arguments: list[Sql]) -> Sql:
    part, value = _part_of(call), arguments[1]
    if part == "epoch":
        return function_call("date_part", text(part), value)
    if part == "year":
        return year_of(value)
    found: Sql = exp.Extract(this=exp.var(part.upper()), expression=value)
    if part in ("second", "millisecond", "microsecond"):
        # It has the digits after the point there, and is not rounded.
        found = function_call("trunc", found)
    found = cast_to(found, INTEGER)
    if part != "isoyear":
        return found
    return _with_year_0(found, exp.LT(this=found.copy(), expression=number(0)))


def year_of(value: Sql) -> Sql:
    """The year of a date or timestamp, as the engine counts."""
    first = write_literal(Literal(date(1, 1, 1), pa.date32()))
    year = cast_to(exp.Extract(this=exp.var("YEAR"), expression=value), INTEGER)
    return _with_year_0(year, exp.LT(this=grouped(value.copy()), expression=first))


def _with_year_0(year: Sql, before: Sql) -> Sql:
    """PostgreSQL has no year 0: its 1 BC, which it calls -1, is the engine's year 0."""
    return exp.Add(this=year, expression=cast_to(exp.Paren(this=before), INTEGER))


def _date_trunc(call: Call) -> str | None:
    if _part_of(call) not in _UNITS:
        return "this unit of a date"
    type_ = call.arguments[1].type
    known = type_ == call.type and type_ in (*_MOMENTS, pa.timestamp("ns"))
    return None if known else f"date_trunc of {type_}"


def _write_date_trunc(call: Call, arguments: list[Sql]) -> Sql:
    return function_call("date_trunc", text(_part_of(call)), arguments[1])


def _make_date(call: Call) -> str | None:
    year = call.arguments[0]
    if not _is_year(year):
        return "only a constant year, or a part of a date, is pushed"
    return None if all(a.type == pa.int32() for a in call.arguments) else "make_date of no integers"


def _is_year(year: Expression) -> bool:
    if isinstance(year, Literal):
        return isinstance(year.value, int) and 1 <= year.value <= 9999
    return isinstance(year, Call) and year.function == "date_part"


def _write_make_date(call: Call, arguments: list[Sql]) -> Sql:
    year, month, day = arguments
    if not isinstance(call.arguments[0], Literal):
        before = exp.Paren(this=exp.LTE(this=grouped(year.copy()), expression=number(0)))
        year = exp.Sub(this=grouped(year), expression=cast_to(before, INTEGER))
    return function_call("make_date", year, month, day)


_NANOSECONDS_A_DAY = 86_400_000_000_000


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
    months, days = sign * by.months, sign * by.days
    if call.type != pa.date32():
        words = f"{months} months {days} days {sign * by.nanoseconds // 1000} microseconds"
        return exp.Add(this=grouped(arguments[0]), expression=cast_to(text(words), INTERVAL))
    whole = int(abs(by.nanoseconds) // _NANOSECONDS_A_DAY)
    days += sign * (-whole if by.nanoseconds < 0 else whole)
    moved = arguments[0]
    if months:
        step = cast_to(text(f"{months} months"), INTERVAL)
        moved = cast_to(exp.Add(this=grouped(moved), expression=step), DATE)
    if not days:
        return moved
    shift = number(days) if days > 0 else exp.Paren(this=exp.Neg(this=number(-days)))
    return exp.Add(this=grouped(moved), expression=shift)


_MICROSECONDS_A_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = (_EPOCH + sign * timedelta(microseconds=(2**63 - 1) // 1000) for sign in (-1, 1))
"""The moments that the engine can count in nanoseconds; of others it bins none."""


def _bin_microseconds(call: Call) -> int:
    """The length of a constant bin of time; 0 when it has none."""
    span = call.arguments[0]
    if not isinstance(span, Literal) or span.value is None or not pa.types.is_interval(span.type):
        return 0
    by = span.value
    if by.months or by.nanoseconds % 1000:
        return 0
    return max(0, int(by.days * _MICROSECONDS_A_DAY + by.nanoseconds // 1000))


def _date_bin(call: Call) -> str | None:
    if not _bin_microseconds(call):
        return "only bins of a constant time, without months, are pushed"
    types = [a.type for a in call.arguments[1:]]
    return None if types == [pa.timestamp("us")] == [call.type] else "date_bin of other than x, y"


def _write_date_bin(call: Call, arguments: list[Sql]) -> Sql:
    first, last, epoch = (
        write_literal(Literal(moment, pa.timestamp("us"))) for moment in (_FIRST, _LAST, _EPOCH)
    )
    moment = arguments[1]
    span = cast_to(text(f"{_bin_microseconds(call)} microseconds"), INTERVAL)
    bin_ = function_call("date_bin", span, moment, epoch)
    counted = exp.Between(this=grouped(moment.copy()), low=first, high=last)
    begins = exp.GTE(this=bin_.copy(), expression=first.copy())
    return exp.Case(ifs=[exp.If(this=exp.And(this=counted, expression=begins), true=bin_)])


TIME_FUNCTIONS: dict[str, FunctionRule] = {
    "date_bin": FunctionRule(
        _write_date_bin,
        _date_bin,
        "counted from 1970; NULL beyond the years that the engine counts in nanoseconds",
        takes="interval constant, timestamp",
        when="without months, and without an origin",
        written="date_bin(x, y, '1970-01-01'), NULL before 1677 and after 2262",
    ),
    "date_part": FunctionRule(
        _write_date_part,
        _date_part,
        "the proleptic calendar in both; there is no year 0 there, which is added",
        takes="part, date, time or timestamp",
        when=f"one of {', '.join((*_OF_DATES, *_OF_TIMES))}; of dates and timestamps: epoch",
        written="CAST(EXTRACT(x FROM y) AS integer)",
    ),
    "date_trunc": FunctionRule(
        _write_date_trunc,
        _date_trunc,
        "weeks begin on Monday; the engine fails for years beyond 1677 and 2262",
        takes="unit, timestamp, or date",
        when=f"one of {', '.join(_UNITS)}",
        written="date_trunc(x, y)",
    ),
    "make_date": FunctionRule(
        _write_make_date,
        _make_date,
        "both fail for a day that is none; there is no year 0 there, which is taken off",
        takes="integer, integer, integer",
        when="the year is a constant from 1 to 9999, or a part of a date",
        written="make_date(x, y, z)",
    ),
}
