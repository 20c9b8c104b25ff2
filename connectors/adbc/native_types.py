"""Which Arrow type a column has, of databases whose connectors are yet to come: as data.

Owns the reading half of the mapping; how an Arrow type is written there is the planner's. A type
that is in no row is read as its text: nothing fails for its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

UNKNOWN = "that it is of a type of the source's own; it is its text, and sorts and compares as that"
_JSON = "its structure; it is its text"
_ZONE = "the time zone that it is shown in; the moment is kept, in UTC"
_LENGTH_OF_TIME = "that it is a length of time; it is its text, and sorts and compares as that"
_SPACES = "that spaces at its end do not count"
_SPACE = "that it is a shape; it is its text"
_US = pa.timestamp("us")
_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class NativeType:
    """One row of a mapping.

    Attributes:
        native: the source's name of the type; with numbers where it has parameters.
        arrow: the type that every reader of such a column gets.
        lost: what of its values' meaning that type does not carry; empty when nothing is lost.
    """

    native: str
    arrow: pa.DataType
    lost: str = ""


def _rows(*rows: tuple[str, pa.DataType] | tuple[str, pa.DataType, str]) -> tuple[NativeType, ...]:
    return tuple(NativeType(*row) for row in rows)


_TEXT = pa.string()

NATIVE_TYPES: Mapping[str, tuple[NativeType, ...]] = {
    "mysql": _rows(
        ("tinyint(1)", pa.bool_(), "numbers other than 0 and 1, which are true"),
        ("tinyint", pa.int8()),
        ("smallint", pa.int16()),
        ("mediumint", pa.int32()),
        ("int", pa.int32()),
        ("bigint", pa.int64()),
        ("int unsigned", pa.int64()),
        ("bigint unsigned", pa.decimal128(20, 0)),
        ("decimal(15,2)", pa.decimal128(15, 2)),
        ("decimal(65,30)", _TEXT, "that it is a number, of more than 38 digits; it is its text"),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("date", pa.date32(), "the dates 0000-00-00 and those with a part of 0, which are NULL"),
        ("datetime(6)", _US),
        ("timestamp(6)", _UTC, _ZONE),
        ("time(6)", _TEXT, "that it is a time, which may be negative or longer than a day there"),
        ("year", pa.int16()),
        ("char(10)", _TEXT),
        ("varchar(10)", _TEXT),
        ("text", _TEXT),
        ("binary(16)", pa.binary()),
        ("varbinary(16)", pa.binary()),
        ("blob", pa.binary()),
        ("enum('a','b')", _TEXT, "its members and their order; it sorts and compares as text"),
        ("set('a','b')", _TEXT, "that it is a set; it is its text, with commas"),
        ("bit(8)", _TEXT, "that it is bits; it is its text"),
        ("json", _TEXT, _JSON),
        ("geometry", _TEXT, _SPACE),
    ),
    "snowflake": _rows(
        ("BOOLEAN", pa.bool_()),
        ("NUMBER(38,0)", pa.decimal128(38, 0)),
        ("NUMBER(15,2)", pa.decimal128(15, 2)),
        ("FLOAT", pa.float64()),
        ("VARCHAR(10)", _TEXT),
        ("BINARY", pa.binary()),
        ("DATE", pa.date32()),
        ("TIME(6)", pa.time64("us")),
        ("TIMESTAMP_NTZ(6)", _US),
        ("TIMESTAMP_NTZ(9)", _US, "nanoseconds, which are cut: years beyond 2262 have none"),
        ("TIMESTAMP_LTZ(6)", _UTC, _ZONE),
        ("TIMESTAMP_TZ(6)", _UTC, "the offset that it was written with; the moment is kept"),
        ("VARIANT", _TEXT, _JSON),
        ("OBJECT", _TEXT, _JSON),
        ("ARRAY", _TEXT, _JSON),
        ("GEOGRAPHY", _TEXT, _SPACE),
    ),
    "bigquery": _rows(
        ("BOOL", pa.bool_()),
        ("INT64", pa.int64()),
        ("FLOAT64", pa.float64()),
        ("NUMERIC", pa.decimal128(38, 9)),
        ("NUMERIC(15,2)", pa.decimal128(15, 2)),
        ("BIGNUMERIC", pa.decimal256(76, 38), "the 77th digit, which fails"),
        ("STRING", _TEXT),
        ("BYTES", pa.binary()),
        ("DATE", pa.date32()),
        ("TIME", pa.time64("us")),
        ("DATETIME", _US),
        ("TIMESTAMP", _UTC),
        ("INTERVAL", _TEXT, _LENGTH_OF_TIME),
        ("JSON", _TEXT, _JSON),
        ("GEOGRAPHY", _TEXT, _SPACE),
        ("ARRAY<INT64>", _TEXT, _JSON),
        ("STRUCT<a INT64>", _TEXT, _JSON),
    ),
    "spark": _rows(
        ("boolean", pa.bool_()),
        ("tinyint", pa.int8()),
        ("smallint", pa.int16()),
        ("int", pa.int32()),
        ("bigint", pa.int64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("decimal(15,2)", pa.decimal128(15, 2)),
        ("string", _TEXT),
        ("char(10)", _TEXT, _SPACES),
        ("binary", pa.binary()),
        ("date", pa.date32()),
        ("timestamp_ntz", _US),
        ("timestamp", _UTC, _ZONE),
        ("interval day to second", _TEXT, _LENGTH_OF_TIME),
        ("array<int>", _TEXT, _JSON),
        ("map<string,int>", _TEXT, _JSON),
        ("struct<a:int>", _TEXT, _JSON),
        ("variant", _TEXT, _JSON),
    ),
    "tsql": _rows(
        ("bit", pa.bool_()),
        ("tinyint", pa.uint8()),
        ("smallint", pa.int16()),
        ("int", pa.int32()),
        ("bigint", pa.int64()),
        ("decimal(15,2)", pa.decimal128(15, 2)),
        ("money", pa.decimal128(19, 4)),
        ("smallmoney", pa.decimal128(10, 4)),
        ("real", pa.float32()),
        ("float", pa.float64()),
        ("date", pa.date32()),
        ("time(6)", pa.time64("us")),
        ("time(7)", pa.time64("us"), "tenths of microseconds, which are cut"),
        ("datetime", _US),
        ("datetime2(6)", _US),
        ("datetime2(7)", _US, "tenths of microseconds, which are cut"),
        ("datetimeoffset(6)", _UTC, "the offset that it was written with; the moment is kept"),
        ("char(10)", _TEXT, _SPACES),
        ("varchar(10)", _TEXT),
        ("nvarchar(max)", _TEXT),
        ("varbinary(max)", pa.binary()),
        ("uniqueidentifier", _TEXT, "that it is 16 bytes; it is its text"),
        ("xml", _TEXT, _JSON),
        ("sql_variant", _TEXT, UNKNOWN),
        ("hierarchyid", _TEXT, UNKNOWN),
        ("geography", _TEXT, _SPACE),
    ),
}
"""Of each dialect, by the planner's name of it: its types, in the order of its documentation."""
