"""What an SQLite file says of a table without reading it: the numbers of its rows, and ANALYZE.

Rows are numbered, so that the first and the last number say how many there are at most; and no more
than the file has room for. Where the file was analysed, it has counts, also of an index's values.
Owns the questions. Must not know costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from typing import cast

import pyarrow as pa
import sqlglot
from sqlglot import exp

from connectors.adbc.sqlite.database import Database
from connectors.adbc.sqlite.types import NO_ROWID, ROW_NUMBER
from connectors.contract import ColumnStatistics, Statistics, Table

_BYTES = "SELECT p.page_count * s.page_size FROM pragma_page_count AS p, pragma_page_size AS s"
_ANALYSED = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'"

# The counts of the table come first; those of an index of some rows only are not the table's.
_COUNTS = """
SELECT s.stat AS counts, i.name AS first_column
FROM sqlite_stat1 AS s LEFT JOIN pragma_index_info(s.idx) AS i ON i.seqno = 0
WHERE s.tbl = ?1 AND NOT EXISTS (
  SELECT 1 FROM pragma_index_list(s.tbl) AS l WHERE l.name = s.idx AND l.partial = 1)
ORDER BY s.idx IS NOT NULL
"""

_ROWID = "rowid"
"""The number of a row, where no column has that name."""

_BYTES_OF_A_ROW = 5
"""Of a row without columns: its place on the page, its length, its number and its header's length;
each column takes one more there, whatever is in it."""

_TEXT_BYTES = 24.0


def statistics_of(database: Database, table: Table) -> Statistics:
    """What the file says of a table that is no view.

    Raises:
        CrosswindError: it cannot be asked.
    """
    numbered = all(
        NO_ROWID not in column.traits and column.name.lower() != _ROWID for column in table.columns
    )
    (file,) = database.rows(_question(table if numbered else None))
    if numbered and file["first"] is None:
        return _of_rows(table, 0.0)
    counts = database.rows(_COUNTS, table.name.name) if file["analysed"] else []
    counted = [numbers[0] for row in counts if (numbers := _numbers(row))]
    found = counted[:1]
    if numbered:
        first, last = cast(int, file["first"]), cast(int, file["last"])
        room = float(cast(int, file["bytes"])) / (_BYTES_OF_A_ROW + len(table.columns))
        found.append(min(float(last - first + 1), room))
    if not found:
        return Statistics()
    statistics = _of_rows(table, min(found))
    return replace(statistics, columns=_known(table, statistics, file, counts))


def _question(table: Table | None) -> str:
    """What the file is; with the first and the last number of a table's rows, which are two
    look-ups, where one query for both reads all."""
    asked: dict[str, exp.Expr] = {
        name: sqlglot.parse_one(sql, read="sqlite")
        for name, sql in (("bytes", _BYTES), ("analysed", _ANALYSED))
    }
    if table is not None:
        source = exp.From(this=exp.Table(this=exp.to_identifier(table.name.name, quoted=True)))
        for name, end in (("first", exp.Min), ("last", exp.Max)):
            number = end(this=exp.column(_ROWID))
            asked[name] = exp.Select(expressions=[number], from_=source.copy())
    each = [exp.alias_(exp.Subquery(this=select), name) for name, select in asked.items()]
    return exp.Select(expressions=each).sql(dialect="sqlite")


def _of_rows(table: Table, rows: float) -> Statistics:
    columns = {c.name: ColumnStatistics(width_bytes=_width_bytes(c.type)) for c in table.columns}
    width = sum(map(_width_bytes, (column.type for column in table.columns)))
    return Statistics(rows, rows * width, columns)


def _known(
    table: Table,
    statistics: Statistics,
    file: Mapping[str, object],
    counts: list[dict[str, object]],
) -> dict[str, ColumnStatistics]:
    """The statistics of the columns, with the counts of those that indexes begin with."""
    rows = statistics.rows or 0.0
    columns = dict(statistics.columns)
    for row in counts:
        name, numbers = row["first_column"], _numbers(row)
        if name in columns and len(numbers) > 1:
            distinct = max(1.0, rows / max(1.0, numbers[1]))
            columns[str(name)] = replace(columns[str(name)], distinct=distinct)
    for column in table.columns:
        if ROW_NUMBER in column.traits:
            columns[column.name] = replace(
                columns[column.name],
                distinct=rows,
                null_fraction=0.0,
                minimum=file["first"],
                maximum=file["last"],
            )
    return columns


def _numbers(row: Mapping[str, object]) -> list[float]:
    """The counts, which anybody may have written, and words may follow."""
    words = takewhile(lambda word: word.isascii() and word.isdigit(), str(row["counts"]).split())
    return [float(word) for word in words]


def _width_bytes(type_: pa.DataType) -> float:
    try:
        return max(1.0, float(type_.bit_width) / 8)
    except ValueError:
        return _TEXT_BYTES
