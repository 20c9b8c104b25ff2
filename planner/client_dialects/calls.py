"""Functions that sqlglot has a class for, and that are a call or two of the engine's.

Owns what fits no subject: a module for each would be a few lines.
"""

from __future__ import annotations

import re
from decimal import Decimal

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    binary,
    call,
    cast,
)
from planner.client_dialects.casts import as_text
from planner.client_dialects.own import dated, epoch_of
from planner.client_dialects.parts import part
from planner.client_dialects.reading import Reading

# --- functions that sqlglot has a class for, and that are a call of the engine's ------------------


def capitalised(node: exp.Initcap, reading: Reading) -> Node:
    """`initcap(s)`: a word begins after what is no letter and no digit."""
    separators = node.args.get("expression")
    if separators is not None and "line" in separators.meta:
        reading.refuse(node, "INITCAP with separators of its own")
    if reading.speaks(traits.HIVE | {"duckdb"}):
        reading.translated(node, "a word begins after any sign here, and after a space there")
    return call("initcap", node.this)


def date_from_parts(node: exp.DateFromParts, reading: Reading) -> Node:
    """`make_date(year, month, day)`."""
    if node.args.get("allow_overflow"):
        reading.translated(node, "a month or a day beyond the last one fails here")
    return call("make_date", *(node.args[key] for key in ("year", "month", "day")))


def named_day(node: exp.Dayname | exp.Monthname, reading: Reading) -> Node:
    """The name of a day or a month, in English."""
    short = bool(node.args.get("abbreviated")) or reading.dialect == "snowflake"
    codes = ("%a", "%A") if isinstance(node, exp.Dayname) else ("%b", "%B")
    return call("to_char", dated(_bare(node.this), reading), codes[0 if short else 1])


def _bare(node: Node) -> Node:
    return node.this if isinstance(node, exp.TsOrDsToDate) else node


def is_nan(node: exp.IsNan, reading: Reading) -> Node:
    """`isnan(x)`; Spark's of NULL is false."""
    found = call("isnan", cast(node.this, "double"))
    if reading.speaks(traits.HIVE):
        return call("coalesce", found, exp.Boolean(this=False))
    return found


def same_or_both_null(node: exp.EqualNull, _: Reading) -> Node:
    """`EQUAL_NULL(a, b)`."""
    return exp.Paren(this=exp.NullSafeEQ(this=node.this, expression=node.expression))


def digest(node: exp.SHA2, reading: Reading) -> Node:
    """`sha2(s, 256)`, in hexadecimal digits."""
    length = node.args.get("length")
    bits = "256" if length is None else str(length.name)
    if bits == "0":
        bits = "256"
    if bits not in ("224", "256", "384", "512"):
        reading.refuse(node, f"SHA2 of {bits} bits")
    return call("encode", call(f"sha{bits}", as_text(node.this, reading)), "hex")


def in_hex(node: exp.Hex, reading: Reading) -> Node:
    """`to_hex(n)` of a whole number."""
    if reading.kind(node.this) != "int":
        reading.refuse(node, "hexadecimal digits of what may be no whole number")
    digits = call("to_hex", node.this)
    return digits if reading.dialect == "postgres" else call("upper", digits)


def first_of(node: exp.First | exp.Last, reading: Reading) -> Node:
    """`first(x)`: of rows without an order any."""
    name = "first_value" if isinstance(node, exp.First) else "last_value"
    if node.args.get("expression") is not None:
        reading.refuse(node)
    return call(name, node.this)


def seconds_since_1970(node: exp.UnixSeconds, reading: Reading) -> Node:
    """`UNIX_SECONDS(t)`."""
    found = epoch_of([node.this], node, reading)
    return found if found is not None else reading.refuse(node)


def iso_year(node: exp.YearOfWeek, reading: Reading) -> Node:
    """The year that an ISO week belongs to."""
    return part("ISOYEAR", node.this, node, reading)


def raw_text(node: exp.RawString, _: Reading) -> Node:
    """`r'…'`, `$$…$$`: a text without escapes."""
    return exp.Literal.string(node.name)


def spread(node: exp.Stddev | exp.Variance, reading: Reading) -> Node:
    """Hive's are of a population."""
    if reading.dialect != "hive":
        return node
    kind = exp.StddevPop if isinstance(node, exp.Stddev) else exp.VariancePop
    return kind(this=node.this)


def bytes_of(node: exp.ByteLength, reading: Reading) -> Node:
    """`BYTE_LENGTH(s)`."""
    return call("octet_length", as_text(node.this, reading))


def days_since_1970(node: exp.UnixDate, reading: Reading) -> Node:
    """`UNIX_DATE(d)`."""
    if reading.kind(node.this) != "date":
        reading.refuse(node)
    return binary(exp.Sub, node.this, cast(exp.Literal.string("1970-01-01"), "date"))


def as_moment(node: exp.Timestamp, reading: Reading) -> Node:
    """`TIMESTAMP(x)`."""
    if any(value for key, value in node.args.items() if key != "this"):
        reading.refuse(node, "TIMESTAMP with a time or a time zone")
    return cast(node.this, "timestamp")


def percentile(node: exp.Quantile | exp.PercentileCont, reading: Reading) -> Node:
    """`percentile(x, 0.5)`: between two values it is between them."""
    part_of = node.args.get("quantile") or node.args.get("expression")
    _note_cut_places(node.this if part_of is None else part_of, node, reading)
    if part_of is None:
        return node
    if isinstance(node.parent, exp.Window | exp.Filter) or reading.dialect == "bigquery":
        reading.refuse(node, "a percentile over a window")
    if isinstance(part_of, exp.Array):
        reading.refuse(node, "a list of percentiles", "Write one call for each.")
    if isinstance(node, exp.Quantile) and reading.dialect not in ("spark", "databricks", "hive"):
        if reading.dialect != "clickhouse":
            reading.refuse(node)
        reading.translated(node, "an approximate result may be another one here")
    key = exp.Ordered(this=node.this, nulls_first=False)
    return exp.WithinGroup(
        this=exp.PercentileCont(this=_plain_number(part_of)),
        expression=exp.Order(expressions=[key]),
    )


def _note_cut_places(part_of: Node, node: Node, reading: Reading) -> None:
    # The engine cuts the place between two values after some digits, which an eighth does not need.
    written = _plain_number(part_of)
    known = isinstance(written, exp.Literal) and re.fullmatch(r"\d*\.?\d+", written.name)
    if known and Decimal(written.name) * 8 % 1 == 0:
        return
    reading.translated(node, "a percentile between two values may have other last digits here")


def _plain_number(node: Node) -> Node:
    # A decimal number that was written as a cast is a literal for the engine's aggregate.
    inner = node.this if isinstance(node, exp.Cast) else node
    return exp.Literal.number(inner.name) if isinstance(inner, exp.Literal) else node
