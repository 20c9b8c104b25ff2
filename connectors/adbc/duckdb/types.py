"""Which Arrow type a DuckDB column has. Must not know how values travel."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

_ARROW: Mapping[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    # Values of 39 digits fail the query that reads them; they are never rounded.
    "HUGEINT": pa.decimal128(38, 0),
    "UHUGEINT": pa.decimal128(38, 0),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP_S": pa.timestamp("s"),
    "TIMESTAMP_MS": pa.timestamp("ms"),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_NS": pa.timestamp("ns"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}

COLLATED = "collated"
"""The trait of a text that may compare by another collation than that of its bytes."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")

# The members of an ENUM or a STRUCT may be thousands.
_LONGEST = 60


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type of a native type; a plain string for what stays text for now.

    Enumerations, UUIDs, JSON, intervals, lists, structs, maps and unions are read as DuckDB writes
    them.

    >>> arrow_type("DECIMAL(15,2)"), arrow_type("INTEGER[]")
    (Decimal128Type(decimal128(15, 2)), DataType(string))
    """
    decimal = _DECIMAL.fullmatch(native)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return _ARROW.get(native, pa.string())


_LOST: Mapping[str, str] = {
    "HUGEINT": "numbers of 39 digits, which fail",
    "UHUGEINT": "numbers of 39 digits, which fail",
    "TIMESTAMP WITH TIME ZONE": "the time zone that it is shown in; the moment is kept, in UTC",
    "TIME WITH TIME ZONE": "that it is a time with a zone; it is its text",
    "INTERVAL": "that it is a length of time; it is its text, and sorts and compares as that",
    "UUID": "that it is 16 bytes; it is its text",
    "JSON": "its structure; it is its text",
    "BIT": "that it is bits; it is its text",
    "ENUM": "the order of its members; it is its text, and sorts and compares as that",
}


def lost(native: str) -> str:
    """What `arrow_type` of a native type lacks; empty when nothing is lost.

    >>> lost("BIGINT"), lost("INTEGER[]")
    ('', 'its structure; it is its text')
    """
    if native in _ARROW or native == "VARCHAR" or _DECIMAL.fullmatch(native):
        return _LOST.get(native, "")
    kind = "ENUM" if native.startswith("ENUM(") and not native.endswith("]") else native
    return _LOST.get(kind, "its structure; it is its text")


def native_type(declared: str) -> str:
    """A type as `Column.native_type` has it; `declared` is as `duckdb_columns()` has it.

    >>> native_type("ENUM('a', 'b')")
    "ENUM('a', 'b')"
    """
    return declared if len(declared) <= _LONGEST else f"{declared[:_LONGEST]}…"
