"""Functions of dates: when SQLite's result is the engine's, and how each is written there.

A date is its ISO text there, of the years 0 to 9999.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.sqlite.columns import INTEGER, as_type, call, number, text
from planner.relations import Call, Literal

_FORMATS = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "doy": "%j",
    "dow": "%w",
    "isodow": "%u",
    "week": "%V",
    "isoyear": "%G",
}


def _part_of(call_: Call) -> str:
    part = call_.arguments[0]
    return str(part.value).lower() if isinstance(part, Literal) else ""


def _date_part(call_: Call) -> str | None:
    if _part_of(call_) not in (*_FORMATS, "quarter"):
        return "this part of a date"
    type_ = call_.arguments[1].type
    return None if type_ == pa.date32() and call_.type == pa.int32() else f"a part of {type_}"


def _write_date_part(call_: Call, arguments: list[Sql]) -> Sql:
    part = _part_of(call_)
    found = call("strftime", text(_FORMATS.get(part, "%m")), arguments[1])
    whole = as_type(found, INTEGER)
    if part != "quarter":
        return whole
    later = exp.Paren(this=exp.Add(this=whole, expression=number(2)))
    return exp.Div(this=later, expression=number(3), typed=True, safe=True)


def is_day_count(call_: Call) -> bool:
    """Whether a subtraction is that of two dates."""
    return call_.function == "subtract" and all(a.type == pa.date32() for a in call_.arguments)


def write_day_count(arguments: list[Sql]) -> Sql:
    """Julian days are halves, which floats hold exactly."""
    first, second = (call("julianday", argument) for argument in arguments)
    return as_type(exp.Sub(this=first, expression=second), INTEGER)


TIME_FUNCTIONS: dict[str, FunctionRule] = {
    "date_part": FunctionRule(
        _write_date_part,
        _date_part,
        "the proleptic calendar in both",
        takes="part, date",
        when=f"one of {', '.join((*_FORMATS, 'quarter'))}",
        written="CAST(strftime(x, y) AS INTEGER)",
    ),
}
