"""Which Arrow type a column has by its declared type. Must not know how values travel.

SQLite stores any value in any column. The declared type says what is meant; a value that does not
fit it fails the query that reads it (`planner.emit.sqlite.columns`). Of a declared type that says
too little, every value is read as its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

AS_TEXT = " as text"
"""Ends a native type whose values are read as their text, whatever they are."""

NO_ROWID = " without rowid"
"""Ends the native type of a column of a table whose rows have no number."""

_ARROW: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "INT8"), pa.int64()),
    **dict.fromkeys(("INT4", "MEDIUMINT"), pa.int32()),
    **dict.fromkeys(("SMALLINT", "INT2"), pa.int16()),
    "TINYINT": pa.int8(),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), pa.float64()),
    **dict.fromkeys(("BOOLEAN", "BOOL"), pa.bool_()),
    **dict.fromkeys(("TEXT", "CLOB", "STRING"), pa.string()),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
}
_TEXT = re.compile(r"(?:N?(?:VAR)?CHAR|(?:NATIVE |VARYING )?CHARACTER|NVARCHAR)\s*\(\d+\)")
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")

EXACT_DIGITS = 15
"""Of a decimal: SQLite stores it as a float, which tells so many digits apart."""

_LONGEST = 60


def arrow_type(declared: str) -> pa.DataType:
    """The Arrow type of a declared type; a plain string for what says too little.

    >>> arrow_type("decimal(15,2)"), arrow_type("DATETIME")
    (Decimal128Type(decimal128(15, 2)), DataType(string))
    """
    name = declared.strip().upper()
    decimal = _DECIMAL.fullmatch(name)
    if decimal and 0 < int(decimal[1]) <= EXACT_DIGITS:
        precision, scale = int(decimal[1]), int(decimal[2] or 0)
        if scale <= precision:
            return pa.decimal128(precision, scale)
    return pa.string() if _TEXT.fullmatch(name) else _ARROW.get(name, pa.string())


def lost(declared: str) -> str:
    """What `arrow_type` of a declared type lacks; empty when nothing is lost.

    >>> lost("INTEGER"), lost("DATETIME")[:8]
    ('', 'its type')
    """
    if _is_plain(declared):
        return ""
    return (
        "its type, which SQLite does not hold it to; it is its text, and sorts and compares as that"
    )


def native_type(declared: str, *, rowid: bool) -> str:
    """A type as `Column.native_type` has it.

    >>> native_type("DATETIME", rowid=False)
    'DATETIME as text without rowid'
    """
    name = declared.strip().upper()[:_LONGEST] or "ANY"
    return f"{name}{'' if _is_plain(declared) else AS_TEXT}{'' if rowid else NO_ROWID}"


def _is_plain(declared: str) -> bool:
    name = declared.strip().upper()
    return arrow_type(name) != pa.string() or name in _ARROW or bool(_TEXT.fullmatch(name))
