"""What a DuckDB file says of a table, without reading it.

Owns the queries, and the reading of DuckDB's summaries. Must not know costs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
from sqlglot import exp

from connectors.adbc.duckdb.database import Database
from connectors.contract import Column, ColumnStatistics, Statistics, Table

_ROWS = """
SELECT estimated_size AS rows FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
"""

# `[Min: 1, Max: 9][Has Null: false, Has No Null: true][Approx Unique: 10]`
_BOUNDS = re.compile(r"\[Min: ([^,\]]*), Max: ([^,\]]*)\]")
_UNIQUE = re.compile(r"\[Approx Unique: (\d+)\]")
_LONGEST = re.compile(r"Max String Length: (\d+)")
_NO_NULL = "[Has Null: false,"

# How Arrow has a text: an offset and its characters, of which this many where it may have more.
_OFFSET_BYTES = 4
_TEXT_CHARACTERS = 20


def statistics_of(database: Database, table: Table) -> Statistics:
    """What the file says of a table that is no view.

    Raises:
        CrosswindError: it cannot be asked.
    """
    found = database.rows(_ROWS, (table.name.schema, table.name.name))
    if not found:
        return Statistics()
    rows = float(cast(int, found[0]["rows"]))
    # Answered from the summaries of the column, whatever the size of the table.
    summary = database.rows(_summaries(table))
    if not summary:
        return Statistics(rows=rows)
    texts = list(summary[0].values())
    columns = {
        column.name: _column(column, str(text), rows)
        for column, text in zip(table.columns, texts, strict=True)
    }
    widths = [c.width_bytes for c in columns.values()]
    width = sum(w for w in widths if w is not None)
    return Statistics(rows=rows, size_bytes=rows * width, columns=columns)


def _summaries(table: Table) -> str:
    select = exp.Select(
        expressions=[
            exp.Alias(
                this=exp.Anonymous(this="stats", expressions=[exp.column(_name(column.name))]),
                alias=_name(str(number)),
            )
            for number, column in enumerate(table.columns)
        ],
        from_=exp.From(this=exp.Table(this=_name(table.name.name), db=_name(table.name.schema))),
        limit=exp.Limit(expression=exp.Literal.number(1)),
    )
    return select.sql(dialect="duckdb")


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _column(column: Column, summary: str, rows: float) -> ColumnStatistics:
    unique = _UNIQUE.search(summary)
    minimum, maximum = _bounds(column.type, summary)
    return ColumnStatistics(
        distinct=None if unique is None else min(float(unique[1]), rows),
        null_fraction=0.0 if _NO_NULL in summary else None,
        width_bytes=_width_bytes(column.type, summary),
        minimum=minimum,
        maximum=maximum,
    )


def _bounds(type_: pa.DataType, summary: str) -> tuple[Any, Any]:
    """Bounds of numbers and dates; those of texts are cut after eight bytes."""
    t = pa.types
    found = _BOUNDS.search(summary)
    read = _reader(type_)
    if found is None or read is None:
        return None, None
    try:
        minimum, maximum = read(found[1]), read(found[2])
    except (ValueError, ArithmeticError):
        return None, None
    # A column without values has the bounds of its type, turned around; NaN bounds nothing.
    bounded = -math.inf < minimum <= maximum < math.inf if t.is_floating(type_) else True
    return (minimum, maximum) if bounded and minimum <= maximum else (None, None)


def _reader(type_: pa.DataType) -> Callable[[str], Any] | None:
    t = pa.types
    readers: Mapping[Callable[[pa.DataType], bool], Callable[[str], Any]] = {
        t.is_integer: int,
        t.is_decimal: Decimal,
        t.is_floating: float,
        t.is_date32: date.fromisoformat,
    }
    return next((read for holds, read in readers.items() if holds(type_)), None)


def _width_bytes(type_: pa.DataType, summary: str) -> float:
    try:
        return max(1.0, float(type_.bit_width) / 8)
    except ValueError:
        longest = _LONGEST.search(summary)
        characters = _TEXT_CHARACTERS if longest is None else int(longest[1])
        return float(_OFFSET_BYTES + min(characters, _TEXT_CHARACTERS))
