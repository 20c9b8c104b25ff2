"""Which Arrow type a column has by its declared type. Must not know how values travel.

SQLite stores any value in any column. The declared type says what is meant; a value that does not
fit it fails the query that reads it (`planner.emit.sqlite.columns`). Of a declared type that says
too little, every value is read as its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

ANY_AS_TEXT = "any as text"
"""The trait of a column whose values are read as their text, whatever they are."""

NO_ROWID = "without rowid"
"""The trait of a column of a table whose rows have no number."""

MISFITS_ARE_NULL = "misfits are null"
"""The trait of a column that is NULL where a value does not fit its type."""

ROW_NUMBER = "number of the row"
"""The trait of a column that is the number of its row."""

_ARROW: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "INT8"), pa.int64()),
    **dict.fromkeys(("INT4", "MEDIUMINT"), pa.int32()),
    **dict.fromkeys(("SMALLINT", "INT2"), pa.int16()),
    "TINYINT": pa.int8(),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), pa.float64()),
    **dict.fromkeys(("BOOLEAN", "BOOL"), pa.bool_()),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
}
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
    return _ARROW.get(name, pa.string())


def lost(declared: str) -> str:
    """What `arrow_type` of a declared type lacks; empty when nothing is lost.

    >>> lost("INTEGER"), lost("DATETIME")[:8]
    ('', 'its type')
    """
    if _is_held(declared):
        return ""
    return (
        "its type, which SQLite does not hold it to; it is its text, and sorts and compares as that"
    )


def native_type(declared: str) -> str:
    """A type as `Column.native_type` has it.

    >>> native_type("datetime"), native_type("")
    ('DATETIME', 'ANY')
    """
    return declared.strip().upper()[:_LONGEST] or "ANY"


def traits(
    declared: str, *, rowid: bool, is_rowid: bool = False, lenient: bool = False
) -> frozenset[str]:
    """A type as `Column.traits` has it.

    Args:
        declared: the type in the table's definition.
        rowid: whether the table's rows have a number.
        is_rowid: whether the column is that number.
        lenient: whether values that do not fit are NULL.

    >>> sorted(traits("DATETIME", rowid=False)), sorted(traits("varchar", rowid=True))
    (['any as text', 'without rowid'], [])
    """
    found = {
        ANY_AS_TEXT: not _is_held(declared),
        NO_ROWID: not rowid,
        ROW_NUMBER: is_rowid,
        MISFITS_ARE_NULL: lenient and not is_rowid and _is_held(declared),
    }
    return frozenset(trait for trait, holds in found.items() if holds)


def _is_held(declared: str) -> bool:
    """Whether every value has the declared type, or fails where it is read."""
    return arrow_type(declared) != pa.string() or _holds_texts(declared.upper())


def _holds_texts(name: str) -> bool:
    """Whether SQLite makes texts of the numbers that such a column is given: its TEXT affinity."""
    return "INT" not in name and any(part in name for part in ("CHAR", "CLOB", "TEXT"))
