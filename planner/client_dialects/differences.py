"""Differences of two moments, in units: boundaries between them, or whole units.

Owns which of the two a dialect's function counts, and how it is written.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    binary,
    call,
    case,
    cast,
    interval,
    minus,
    plus,
)
from planner.client_dialects.moments import SECONDS, as_timestamp, microseconds, seconds, unit_of
from planner.client_dialects.reading import Reading

_WHOLE_UNITS = traits.TRINO
_WHOLE_BY_NODE: dict[str, tuple[type[exp.Expr], ...]] = {
    "mysql": (exp.TimestampDiff,),
    "spark": (exp.TimestampDiff,),
    "databricks": (exp.TimestampDiff,),
    "bigquery": (exp.TimestampDiff,),
}


def difference(node: Node, reading: Reading) -> Node:
    """How many units lie between two moments: whole ones, or boundaries of them."""
    if node.args.get("zone") is not None:
        reading.refuse(node, "a difference in a time zone")
    unit = unit_of(node, reading)
    end, start = node.this, node.expression
    if _is_databricks_unit(node, reading) or isinstance(
        node, _WHOLE_BY_NODE.get(reading.dialect, ())
    ) or reading.speaks(_WHOLE_UNITS):  # fmt: skip
        dates = {reading.kind(end), reading.kind(start)} <= {"date"}
        if not (dates and unit == "DAY"):
            return whole_units(end, start, unit, node, reading)
    if unit == "WEEK" and reading.dialect == "duckdb":
        return binary(exp.IntDiv, _days(end, start), 7)
    return _boundaries(end, start, unit, node, reading)


def _is_databricks_unit(node: Node, reading: Reading) -> bool:
    return (
        reading.dialect == "databricks"
        and isinstance(node, exp.DateDiff)
        and node.args.get("unit") is not None
    )


def _days(end: Node, start: Node) -> Node:
    return minus(cast(as_timestamp(end), "date"), cast(as_timestamp(start), "date"))


def _months(end: Node, start: Node) -> Node:
    def months(moment: Node) -> Node:
        year = call("date_part", "year", as_timestamp(moment))
        return plus(binary(exp.Mul, year, 12), call("date_part", "month", as_timestamp(moment)))

    return cast(minus(months(end), months(start)), "bigint")


def _boundaries(end: Node, start: Node, unit: str, node: Node, reading: Reading) -> Node:
    if unit == "DAY":
        return _days(end, start)
    if unit in ("WEEK", "SUNDAY"):
        # The engine's weeks start on a Monday: a day later, Sundays are Mondays.
        later = interval(1, "DAY")
        moments = [as_timestamp(end), as_timestamp(start)]
        if unit == "SUNDAY":
            moments = [plus(moment, later.copy()) for moment in moments]
        weeks = [cast(call("date_trunc", "week", moment), "date") for moment in moments]
        return binary(exp.IntDiv, minus(weeks[0], weeks[1]), 7)
    if unit == "MONTH":
        return _months(end, start)
    if unit == "YEAR":
        years = [call("date_part", "year", as_timestamp(moment)) for moment in (end, start)]
        return cast(minus(years[0], years[1]), "bigint")
    if unit == "QUARTER":
        quarters = [
            plus(
                binary(exp.Mul, call("date_part", "year", as_timestamp(moment)), 4),
                call("date_part", "quarter", as_timestamp(moment)),
            )
            for moment in (end, start)
        ]
        return cast(minus(quarters[0], quarters[1]), "bigint")
    if unit in SECONDS:
        cut = [call("date_trunc", unit.lower(), as_timestamp(moment)) for moment in (end, start)]
        return binary(exp.IntDiv, minus(seconds(cut[0]), seconds(cut[1])), SECONDS[unit])
    scale = {"MILLISECOND": 1000, "MICROSECOND": 1}.get(unit)
    if scale is None:
        reading.refuse(node, f"a difference in {unit}")
    counts = [binary(exp.IntDiv, microseconds(moment), scale) for moment in (end, start)]
    return minus(counts[0], counts[1])


_WHOLE_MICROSECONDS = {"MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 10**6, "MINUTE": 60 * 10**6,
                       "HOUR": 3600 * 10**6, "DAY": 86400 * 10**6, "WEEK": 7 * 86400 * 10**6,
                       "SUNDAY": 7 * 86400 * 10**6}  # fmt: skip
_WHOLE_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def whole_units(end: Node, start: Node, unit: str, node: Node, reading: Reading) -> Node:
    """Whole units between two moments, cut towards zero."""
    if unit in _WHOLE_MICROSECONDS:
        between = minus(microseconds(end), microseconds(start))
        return binary(exp.IntDiv, between, _WHOLE_MICROSECONDS[unit])
    if reading.speaks(traits.TRINO):
        reading.translated(node, "a month from the end of a longer month may be counted otherwise")
    months = _months(end, start)
    late, early = _within_month(end), _within_month(start)
    short = case(
        [
            (exp.and_(binary(exp.GT, months.copy(), 0), binary(exp.LT, late, early)), -1),
            (
                exp.and_(
                    binary(exp.LT, months.copy(), 0), binary(exp.GT, late.copy(), early.copy())
                ),
                1,
            ),
        ],
        0,
    )
    return binary(exp.IntDiv, plus(months, short), _WHOLE_MONTHS[unit])


def _within_month(moment: Node) -> Node:
    """The place in a month, as a text that is ordered as the places are."""
    return call("to_char", as_timestamp(moment), "%d %H:%M:%S.%6f")
