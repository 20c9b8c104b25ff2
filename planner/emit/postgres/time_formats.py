"""Dates and times as text: the engine's formats, of strftime, in PostgreSQL's words.

Both write years of four digits alike. The engine's others have a sign, and count a year 0.
"""

from __future__ import annotations

from datetime import date
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import write_literal
from planner.emit.postgres.time_functions import year_of
from planner.emit.postgres.types import (
    TEXT,
    cases,
    cast_to,
    function_call,
    grouped,
    number,
    text,
)
from planner.relations import Call, Literal

_WORDS = {
    "Y": "YYYY", "m": "MM", "d": "DD", "H": "HH24", "M": "MI", "S": "SS", "j": "DDD",
    "b": "Mon", "B": "FMMonth", "a": "Dy", "A": "FMDay", "I": "HH12", "p": "AM", "u": "ID",
}  # fmt: skip
_SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M"}
_YEAR = "YYYY"


def pieces(pattern: str) -> list[str] | None:
    """A format as PostgreSQL's words and quoted texts, in order; None where one has no equal.

    >>> pieces("%Y-%m"), pieces("%e")
    (['YYYY', '"-"', 'MM'], None)
    """
    found: list[str] = []
    for letter, short in _SHORT.items():
        pattern = pattern.replace(f"%{letter}", short)
    rest = iter(pattern)
    for character in rest:
        if character == "%":
            word = _WORDS.get(next(rest, ""))
            if word is None:
                return None
            found.append(word)
        elif character in '"\\':
            return None
        elif found and found[-1].endswith('"'):
            found[-1] = f'{found[-1][:-1]}{character}"'
        else:
            found.append(f'"{character}"')
    return found or None


def _refuse(call: Call) -> str | None:
    value, form = call.arguments
    if value.type not in (pa.date32(), pa.timestamp("us")):
        return f"to_char of {value.type}"
    if not isinstance(form, Literal) or not isinstance(form.value, str):
        return "only a constant format is pushed"
    return None if pieces(form.value) else "a part of this format has no word there"


def _write(call: Call, arguments: list[Sql]) -> Sql:
    found = pieces(str(cast(Literal, call.arguments[1]).value))
    assert found is not None
    return formatted(arguments[0], found)


def formatted(value: Sql, found: list[str]) -> Sql:
    """A date or timestamp in these words."""
    plain = _in_words(value, found)
    if _YEAR not in found:
        return plain
    first, last = (write_literal(Literal(d, pa.date32())) for d in (date.min, date(9999, 1, 1)))
    usual = exp.And(
        this=exp.GTE(this=grouped(value.copy()), expression=first),
        expression=exp.LT(this=grouped(value.copy()), expression=last),
    )
    parts: list[Sql] = []
    between: list[str] = []
    for word in (*found, None):
        if word in (_YEAR, None) and between:
            parts.append(_in_words(value.copy(), between))
            between = []
        if word == _YEAR:
            parts.append(_year(value.copy()))
        elif word is not None:
            between.append(word)
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part)
    return cases((usual, plain), default=joined)


def _in_words(value: Sql, words: list[str]) -> Sql:
    return function_call("to_char", value, text("".join(words)))


def _year(value: Sql) -> Sql:
    year = exp.Paren(this=year_of(value))
    long = exp.DPipe(this=text("+"), expression=cast_to(year.copy(), TEXT))
    is_long = exp.GT(this=year.copy(), expression=number(9999))
    return cases((is_long, long), default=function_call("to_char", year, text("FM0000")))


FORMAT_FUNCTIONS: dict[str, FunctionRule] = {
    "to_char": FunctionRule(
        _write,
        _refuse,
        "English names in both; years beyond four digits by their number and sign",
        takes="date or timestamp, text constant",
        when="of the format only " + ", ".join(f"%{x}" for x in (*_WORDS, *_SHORT)),
        written="to_char(x, 'YYYY-MM-DD')",
    ),
}
