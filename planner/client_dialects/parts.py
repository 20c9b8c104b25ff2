"""Parts of a moment: its year, its day of the week, its seconds, as each dialect counts them.

Owns the names of parts, and what they count from.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    binary,
    call,
    cast,
    plus,
)
from planner.client_dialects.moments import OTHER_UNITS
from planner.client_dialects.reading import Reading, Rule

_PARTS = {
    "YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "DAY": "day", "HOUR": "hour",
    "MINUTE": "minute", "SECOND": "second", "DOY": "doy", "DAYOFYEAR": "doy", "DAY_OF_YEAR": "doy",
    "DY": "doy", "ISODOW": "isodow", "DAYOFWEEKISO": "isodow", "DAYOFWEEK_ISO": "isodow",
    "DOW_ISO": "isodow", "ISOYEAR": "isoyear", "YEAROFWEEKISO": "isoyear", "EPOCH": "epoch",
    "EPOCH_SECOND": "epoch", "MICROSECOND": "microsecond", "MILLISECOND": "millisecond",
    "DAY_OF_MONTH": "day", "DAYOFMONTH": "day", "ISOWEEK": "week", "WEEKISO": "week",
    "WEEK_ISO": "week", "ISO_WEEK": "week",
}  # fmt: skip
_WEEKDAYS = frozenset({"DOW", "DAYOFWEEK", "DAY_OF_WEEK", "WEEKDAY", "DW"})
_WEEKS = frozenset({"WEEK", "WEEKOFYEAR", "WOY", "WK", "WW"})

_FIRST_DAY = {
    "postgres": 0, "redshift": 0, "duckdb": 0, "snowflake": 0, "bigquery": 1, "mysql": 1, "tsql": 1,
    "spark": 1, "databricks": 1, "hive": 1, "trino": None, "presto": None, "athena": None,
    "clickhouse": None,
}  # fmt: skip
"""The number of a Sunday where Saturday's is six more; None where a Monday is 1, as in ISO."""

_ISO_WEEKS = traits.TRINO | traits.HIVE | {"postgres", "redshift", "duckdb", "snowflake"}
_FRACTIONS = frozenset({"postgres", "spark", "databricks", "redshift"})
_WITHIN_A_SECOND = traits.TRINO | {"mysql", "bigquery", "tsql"}


def extracted(node: exp.Extract, reading: Reading) -> Node:
    """`EXTRACT(part FROM moment)`, `DATE_PART` and their likes."""
    name = str(node.this.name).upper()
    moment = node.expression
    if isinstance(node.this, exp.WeekStart):
        if str(node.this.name).upper() != "MONDAY":
            return _sunday_week(moment, node, reading)
        name = "MONDAY_WEEK"
    if name == "MONDAY_WEEK":
        reading.refuse(node, "a number of a week that starts on a Monday")
    return part(name, moment, node, reading)


def part(name: str, moment: Node, node: Node, reading: Reading) -> Node:
    """One part of a moment by the client's name of it."""
    if name in _WEEKDAYS:
        if reading.dialect not in _FIRST_DAY:
            reading.refuse(node, "a number of a day of the week")
        first = _FIRST_DAY[reading.dialect]
        if first is None:
            return call("date_part", "isodow", moment)
        if reading.dialect == "tsql":
            reading.translated(node, "the week starts on a Sunday here, as DATEFIRST 7 says")
        day = call("date_part", "dow", moment)
        return plus(day, first) if first else day
    if name in _WEEKS:
        if reading.speaks(_ISO_WEEKS):
            return call("date_part", "week", moment)
        return _sunday_week(moment, node, reading)
    known = _PARTS.get(name) or _PARTS.get(OTHER_UNITS.get(name, ""))
    if known is None and name.removesuffix("S") in _PARTS:
        known = _PARTS[name.removesuffix("S")]
    if known is None:
        reading.refuse(node, f"the part {name} of a time")
    if reading.kind(moment) == "interval":
        reading.refuse(node, "a part of an interval")
    found = call("date_part", known, moment)
    with_fraction = reading.dialect in _FRACTIONS and not isinstance(node, exp.Second)
    if known in ("second", "millisecond") and with_fraction:
        scale, digits = ("0.000001", 6) if known == "second" else ("0.001", 3)
        micros = cast(call("date_part", "microsecond", moment), "decimal(12, 0)")
        return binary(exp.Mul, micros, cast(exp.Literal.string(scale), f"decimal(7, {digits})"))
    if known in ("millisecond", "microsecond") and reading.speaks(_WITHIN_A_SECOND):
        size = 1000 if known == "millisecond" else 1_000_000
        return binary(exp.Mod, found, size)
    if known == "epoch" and reading.dialect in ("snowflake", "redshift"):
        return cast(call("floor", found), "bigint")
    return found


def _sunday_week(moment: Node, node: Node, reading: Reading) -> Node:
    """The number of a week; the first one of a year starts with its first Sunday, after week 0."""
    if reading.dialect not in ("bigquery", "mysql"):
        reading.refuse(node, "a number of a week")
    return cast(call("to_char", moment, "%U"), "bigint")


def part_function(name: str) -> Rule:
    """A rule for a function that is named like the part that it takes."""

    def rule(node: Node, reading: Reading) -> Node:
        if node.args.get("mode") is not None:
            reading.refuse(node, "a number of a week in a mode")
        return part(name, node.this, node, reading)

    return rule
