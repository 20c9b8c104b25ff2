"""Dates and times: sums with intervals, cuts, seconds since 1970.

Owns units, sums, cuts and epochs. Differences are `differences`', parts are `parts`', and formats
are `formats`'.
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
    constant_text,
    interval,
    joined,
    minus,
    node_of,
    plus,
    whole_number,
)
from planner.client_dialects.casts import at_utc
from planner.client_dialects.kind_tables import MOMENTS
from planner.client_dialects.reading import Reading, Rule

_DAYS_AND_MORE = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}
_UNITS = frozenset({*_DAYS_AND_MORE, *SECONDS, "MILLISECOND", "MICROSECOND"})

OTHER_UNITS = {
    "YYYY": "YEAR", "YYY": "YEAR", "YY": "YEAR", "Y": "YEAR", "YR": "YEAR", "MM": "MONTH",
    "MON": "MONTH", "M": "MONTH", "MONS": "MONTH", "Q": "QUARTER", "QQ": "QUARTER",
    "QTR": "QUARTER",
    "D": "DAY", "DD": "DAY", "DAYOFMONTH": "DAY", "W": "WEEK", "WK": "WEEK", "WW": "WEEK",
    "H": "HOUR", "HH": "HOUR", "HR": "HOUR", "MI": "MINUTE", "MIN": "MINUTE", "N": "MINUTE",
    "S": "SECOND", "SS": "SECOND", "SEC": "SECOND", "MS": "MILLISECOND", "US": "MICROSECOND",
    "MCS": "MICROSECOND", "ISOWEEK": "WEEK",
}  # fmt: skip


def unit_of(node: Node, reading: Reading) -> str:
    """A unit's name: one of `_UNITS`, or refused. A week that starts on a Sunday is `SUNDAY`."""
    unit = node.args.get("unit")
    if unit is None:
        return "DAY"
    if isinstance(unit, exp.WeekStart):
        day = str(unit.name).upper()
        if day not in ("SUNDAY", "MONDAY"):
            reading.refuse(node, f"a week that starts on a {day.title()}")
        return "SUNDAY" if day == "SUNDAY" else "WEEK"
    name = str(unit.name).upper()
    if name == "WEEK" and reading.speaks(traits.SUNDAY_WEEKS):
        return "SUNDAY"
    name = OTHER_UNITS.get(name, name)
    if name not in _UNITS and name.removesuffix("S") in _UNITS:
        name = name.removesuffix("S")
    if name not in _UNITS:
        reading.refuse(node, f"the unit of time {name}")
    return name


# --- sums ----------------------------------------------------------------------------------------


def shifted(sign: int) -> Rule:
    """A rule for a date or a time and so many units."""

    def rule(node: Node, reading: Reading) -> Node:
        amount, unit = node.expression, unit_of(node, reading)
        if isinstance(amount, exp.Interval):
            unit, amount = unit_of(amount, reading), amount.this
        this = node.this
        kind = reading.kind(this)
        if reading.word(node) == "add_months":
            return add_months(node, reading)
        if isinstance(node, exp.TsOrDsAdd) and reading.speaks(traits.HIVE):
            # Days and a date, or what is made one.
            this = cast(this, "date") if kind != "date" else this
        elif kind == "date" and unit in _DAYS_AND_MORE | {"SUNDAY"}:
            if reading.speaks(traits.SHIFTED_DATES_ARE_TIMESTAMPS):
                this = cast(this, "timestamp")
        elif kind not in MOMENTS:
            this = _as_moment(this, kind, unit)
        if unit == "SUNDAY":
            unit = "WEEK"
        return moved(this, amount, unit, sign, node, reading)

    return rule


def _as_moment(this: Node, kind: str, unit: str) -> Node:
    """A date, a text or what is not known, for a sum with an interval."""
    if kind == "unknown" and unit in _DAYS_AND_MORE and not isinstance(this, exp.Literal):
        return this
    return cast(this, "timestamp")


def moved(this: Node, amount: Node, unit: str, sign: int, node: Node, reading: Reading) -> Node:
    if unit == "QUARTER":
        amount, unit = exp.Mul(this=exp.Paren(this=amount), expression=node_of(3)), "MONTH"
    kind = exp.Add if sign > 0 else exp.Sub
    constant = _constant(amount)
    if constant is not None:
        return binary(kind, this, interval(constant, unit))
    if reading.kind(amount) == "text":
        reading.refuse(node, "a text as a number of units")
    if reading.kind(amount) in ("decimal", "float", "unknown"):
        amount = cast(amount, "bigint")
    text = joined(cast(amount, "varchar"), f" {unit}")
    return binary(kind, this, cast(text, "interval"))


def _constant(amount: Node) -> int | None:
    if isinstance(amount, exp.Mul):
        left, right = _constant(amount.this), _constant(amount.expression)
        return None if left is None or right is None else left * right
    if isinstance(amount, exp.Paren):
        return _constant(amount.this)
    if isinstance(amount, exp.Literal) and amount.is_string:
        digits = amount.name.strip().removeprefix("-")
        return int(amount.name) if digits.isdigit() else None
    return whole_number(amount)


def add_months(node: Node, reading: Reading) -> Node:
    """`add_months(d, n)`; in Oracle and Snowflake the last day of a month stays the last one."""
    this = node.this
    if reading.kind(this) not in ("date", *MOMENTS):
        this = cast(this, "date")
    later = moved(this, node.expression, "MONTH", 1, node, reading)
    if reading.dialect not in ("oracle", "snowflake", "redshift"):
        return later
    if reading.kind(node.this) != "date":
        reading.translated(node, "the last day of a month may not stay the last one here")
        return later
    is_last = binary(exp.EQ, this.copy(), _last_day(this.copy()))
    found = case([(is_last, _last_day(later.copy()))], later)
    return cast(found, "timestamp") if reading.dialect == "redshift" else found


def last_day(node: exp.LastDay, reading: Reading) -> Node:
    """The last day of the month."""
    unit = node.args.get("unit")
    if unit is not None and str(unit.name).upper() != "MONTH":
        reading.refuse(node, f"the last day of a {unit.name}")
    return _last_day(node.this)


def _last_day(moment: Node) -> Node:
    first = call("date_trunc", "month", moment)
    last = minus(plus(first, interval(1, "MONTH")), interval(1, "DAY"))
    return cast(last, "date")


def summed(node: exp.Add | exp.Sub, reading: Reading) -> Node:
    """`d + 1` and `d + INTERVAL '1 day'`."""
    left, right = reading.kind(node.this), reading.kind(node.expression)
    if isinstance(node, exp.Add) and right in ("date", *MOMENTS) and left in ("int", "interval"):
        node = exp.Add(this=node.expression, expression=node.this)
        left, right = right, left
    sign = 1 if isinstance(node, exp.Add) else -1
    amount = node.expression
    by_interval = right == "interval" or isinstance(node.expression, exp.Interval)
    if "date" in (left, right) and not by_interval and reading.speaks(traits.DATES_ARE_NUMBERS):
        reading.refuse(node, "a sum with a date, which is a number there", "Use DATE_ADD.")
    if left == right == "date" and reading.speaks(traits.DATES_DIFFER_BY_INTERVALS):
        reading.translated(node, "a difference of two dates is a number of days here")
    if left == "date" and right == "int":
        if reading.dialect == "oracle":
            return moved(cast(node.this, "timestamp"), amount, "DAY", sign, node, reading)
        return moved(node.this, amount, "DAY", sign, node, reading)
    if left in MOMENTS and right in ("int", "decimal", "float"):
        reading.refuse(node, "a time and a number", "Write an interval.")
    if not isinstance(amount, exp.Interval):
        return node
    unit = amount.args.get("unit")
    this = node.this
    if left == "date":
        whole_days = unit is not None and str(unit.name).upper().removesuffix("S") in _DAYS_AND_MORE
        if reading.speaks(traits.SHIFTED_DATES_ARE_TIMESTAMPS) or not whole_days:
            this = cast(this, "timestamp")
    elif left == "text":
        this = cast(this, "timestamp")
    if unit is not None and _constant(amount.this) is not None:
        plain = unit_of(amount, reading)
        plain = "WEEK" if plain == "SUNDAY" else plain
        found = moved(this, amount.this, plain, sign, node, reading)
        if left in ("date", "text"):
            reading.kinds.known(found, "date" if this is node.this else "timestamp")
        return found
    if this is not node.this:
        node.set("this", this)
    return node


def cut(node: Node, reading: Reading) -> Node:
    """`date_trunc('month', d)`."""
    if node.args.get("zone") is not None:
        reading.refuse(node, "a moment cut in a time zone")
    unit = unit_of(node, reading)
    kind = reading.kind(node.this)
    this = cast(node.this, "timestamp") if kind == "text" else node.this
    if unit == "SUNDAY":
        day = interval(1, "DAY")
        found = minus(call("date_trunc", "week", plus(this, day)), day.copy())
    else:
        found = call("date_trunc", unit.lower(), this)
    makes_dates = reading.speaks(traits.CUT_DATES_ARE_DATES) and unit in {*_DAYS_AND_MORE, "SUNDAY"}
    by_letters = isinstance(node, exp.DateTrunc) and reading.speaks(traits.HIVE)
    if by_letters or (makes_dates and kind == "date"):
        return cast(found, "date")
    return found


def from_epoch(node: exp.UnixToTime, reading: Reading) -> Node:
    """A moment from the time since 1970."""
    for key in ("zone", "hours", "minutes", "format"):
        if node.args.get(key) is not None:
            reading.refuse(node, f"a time since 1970 with its {key}", "Format the moment itself.")
    scale = node.args.get("scale")
    digits = 0 if scale is None else whole_number(scale)
    of_moment = reading.dialect == "duckdb" and reading.kind(node.this) != "int"
    if of_moment and reading.word(node) == "epoch_ms":
        return binary(exp.IntDiv, microseconds(node.this), 1000)
    name = {0: "seconds", 3: "millis", 6: "micros", 9: "nanos"}.get(
        -1 if digits is None else digits
    )
    if name is None:
        reading.refuse(node, "a time since 1970 in this unit")
    found = _from_number(node.this, name, reading)
    with_zone = _WITH_ZONE.get(reading.dialect)
    return at_utc(found) if with_zone is not None and reading.word(node) == with_zone else found


_WITH_ZONE = {"postgres": "to_timestamp", "duckdb": "to_timestamp", "trino": "from_unixtime",
              "presto": "from_unixtime", "athena": "from_unixtime"}  # fmt: skip
"""The functions whose moments have a time zone, UTC's."""


def _from_number(number: Node, name: str, reading: Reading) -> Node:
    if name == "seconds" and reading.kind(number) != "int":
        micros = call("round", exp.Mul(this=exp.Paren(this=number),
                                       expression=exp.Literal.number("1e6")))  # fmt: skip
        return call("to_timestamp_micros", cast(micros, "bigint"))
    return call(f"to_timestamp_{name}", number)


def to_epoch(node: exp.TimeToUnix, reading: Reading) -> Node:
    """Seconds since 1970: with their fraction where the dialect has it."""
    moment = call("date_part", "epoch", cast(node.this, "timestamp"))
    if reading.dialect in ("duckdb", "trino", "presto", "athena"):
        return moment
    return cast(call("floor", moment), "bigint")


def date_of(node: exp.Date, reading: Reading) -> Node:
    """`date(x)` is a cast."""
    if node.args.get("zone") is not None or node.expressions or node.this is None:
        reading.refuse(node, "a date made of parts or in a time zone")
    if isinstance(node.this, exp.Literal) and not node.this.name[:4].isdigit():
        reading.refuse(node, f"a date from {node.this.name!r}")
    if reading.dialect == "sqlite":
        reading.translated(node, "date() is a date here, and a text there")
    return cast(node.this, "date")


def today(node: exp.CurrentDate, reading: Reading) -> Node:
    """`CURRENT_DATE`, of UTC."""
    zone = node.this
    if zone is None:
        return node
    if constant_text(zone) is None:
        reading.refuse(node, "the date of a time zone that is computed")
    return cast(exp.AtTimeZone(this=at_utc(exp.CurrentTimestamp()), zone=zone), "date")


def in_zone(node: exp.AtTimeZone, reading: Reading) -> Node:
    """`t AT TIME ZONE 'x'`: a moment that has a time zone already loses it there."""
    if reading.speaks(traits.INSTANTS) and reading.kind(node.this) == "timestamp":
        node.set("this", at_utc(node.this))
    elif reading.kind(node.this) != "timestamp":
        reading.translated(node, "a time that is brought to another time zone keeps it here")
    return node


def now(node: Node, reading: Reading) -> Node:
    """`CURRENT_TIMESTAMP`: the engine's has a time zone, which some dialects' have not."""
    if reading.dialect in ("tsql", "mysql", "oracle", "sqlite"):
        reading.translated(node, "the time is that of UTC here")
        return cast(exp.CurrentTimestamp(), "timestamp")
    return exp.CurrentTimestamp()


def as_timestamp(node: Node) -> Node:
    return cast(node.copy(), "timestamp")


def seconds(moment: Node) -> Node:
    return cast(call("date_part", "epoch", moment), "bigint")


def microseconds(moment: Node) -> Node:
    """Microseconds since 1970: in two parts, because the engine's epoch is double precision."""
    whole = seconds(call("date_trunc", "second", as_timestamp(moment)))
    rest = exp.Mod(this=call("date_part", "microsecond", as_timestamp(moment)),
                   expression=node_of(1_000_000))  # fmt: skip
    return plus(binary(exp.Mul, whole, 1_000_000), exp.Paren(this=rest))
