"""What MySQL and MariaDB say of a table, by their information_schema: nothing is read for it.

Owns the question, and what its answer means. Must not know costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from connectors.contract import Column, ColumnStatistics, Statistics, Table
from connectors.odbc.database import Database, Row

# An index says how many values its first column has. The names are given to each table that is
# looked at: what they are joined by does not keep the server from opening all tables.
_QUESTION = """
SELECT CAST(c.column_name AS CHAR(64)) AS `name`, CAST(c.is_nullable AS CHAR(3)) AS `nullable`,
       CAST(t.table_rows AS DOUBLE) AS `rows`, CAST(t.avg_row_length AS DOUBLE) AS `row_bytes`,
       CAST(c.character_octet_length AS DOUBLE) AS `most_bytes`,
       CAST(MAX(s.cardinality) AS DOUBLE) AS `distinct_values`
FROM information_schema.tables AS t
JOIN information_schema.columns AS c ON c.table_schema = ? AND c.table_name = ?
LEFT JOIN information_schema.statistics AS s
  ON s.table_schema = ? AND s.table_name = ?
  AND s.column_name = c.column_name AND s.seq_in_index = 1
WHERE t.table_schema = ? AND t.table_name = ? AND t.table_type = 'BASE TABLE'
GROUP BY c.column_name, c.is_nullable, t.table_rows, t.avg_row_length, c.character_octet_length
"""

_OFFSET_BYTES = 4
"""How Arrow has a text: an offset, and its characters."""

_ROW_OVERHEAD_BYTES = 20
_FEW_ROWS = 100
"""The length of a row is that of the table's pages, which few rows do not fill."""


def said(database: Database, table: Table) -> Statistics:
    """What the database says of a table; nothing of a view.

    Raises:
        SourceError: it cannot be asked.
    """
    rows = database.rows(_QUESTION, (table.name.schema, table.name.name) * 3, aside=True)
    return of_answer(table, rows)


def of_answer(table: Table, answer: Sequence[Row]) -> Statistics:
    """From the answer, a row for each column."""
    said_of = {str(row["name"]): row for row in answer}
    rows = next((row["rows"] for row in answer), None)
    if rows is None:
        return Statistics()
    known = [(column, said_of[column.name]) for column in table.columns if column.name in said_of]
    shared = _text_bytes(known, rows)
    columns = {column.name: _column(column, row, rows, shared) for column, row in known}
    return Statistics(rows=rows, columns=columns)


def _column(column: Column, row: Row, rows: float, text_bytes: float | None) -> ColumnStatistics:
    distinct, width_bytes = row["distinct_values"], None
    if text_bytes is not None and _fixed_bytes(column.type) is None:
        most_bytes = text_bytes if row["most_bytes"] is None else row["most_bytes"]
        width_bytes = min(text_bytes, most_bytes) + _OFFSET_BYTES
    return ColumnStatistics(
        distinct=None if distinct is None else min(distinct, max(rows, 1.0)),
        null_fraction=0.0 if row["nullable"] == "NO" and not column.nullable else None,
        width_bytes=width_bytes,
    )


def _text_bytes(known: Sequence[tuple[Column, Row]], rows: float) -> float | None:
    """How long a text is, where all of a row are as long; None where nothing says so."""
    widths = [_fixed_bytes(column.type) for column, _ in known]
    texts = widths.count(None)
    row_bytes: Any = known[0][1]["row_bytes"] if known else None
    if not texts or not row_bytes or rows < _FEW_ROWS:
        return None
    rest = row_bytes - _ROW_OVERHEAD_BYTES - sum(w for w in widths if w is not None)
    return float(max(1.0, rest / texts))


def _fixed_bytes(type_: pa.DataType) -> float | None:
    """Of a type whose values are all as wide; None of another."""
    try:
        return max(1.0, float(type_.bit_width) / 8)
    except ValueError:
        return None
