"""What PostgreSQL's own statistics say of a table, without reading it.

Owns the query, the arithmetic from its units to the contract's, and the cache. Must not know costs.
"""

from __future__ import annotations

import math
import threading
import time
from typing import cast

import pyarrow as pa

from connectors.adbc.postgres.pool import Pool
from connectors.adbc.postgres.ranges import Extent
from connectors.contract import ColumnStatistics, Statistics, Table, TableName
from connectors.errors import CrosswindError

# ANALYZE runs rarely, and a plan is no worse for numbers that are some minutes old.
_FRESH_SECONDS = 300.0

# All connections may be streaming: a plan does not wait long for numbers, nor ask each time.
_PATIENCE_SECONDS = 0.5
_RETRY_SECONDS = 5.0

# Binary COPY writes a length before each value, and a column count before each row.
_VALUE_HEADER_BYTES = 4
_ROW_HEADER_BYTES = 2

# What costs the driver more for being a value of its own than for its length.
_NARROW_BYTES = 32

# $1: schema, $2: name. One row for a column with statistics; one with a NULL column when there are
# none. A partitioned table has rows only in its leaves, and column statistics of the whole tree.
# What is read in pieces by page has pages of its own and no rules by row, at a server that starts
# anywhere in a table; and where a row is, only who may read all columns is told. Whether there are
# long values is asked in a way that waits for no lock, and is asked again. The most common values
# are no part of a histogram, and may lie beyond it. What is computed as it is read may be of any
# length, and is stored nowhere; servers before 12 have no such column to ask for.
_STATISTICS = """
SELECT CASE WHEN c.relkind <> 'p' THEN NULLIF(c.reltuples, -1)::float8
            ELSE (SELECT sum(leaf.reltuples)::float8
                  FROM pg_catalog.pg_partition_tree(c.oid) p
                  JOIN pg_catalog.pg_class leaf ON leaf.oid = p.relid
                  WHERE p.isleaf AND leaf.reltuples >= 0) END AS rows,
       s.attname::text AS column_name, s.null_frac::float8 AS null_fraction,
       s.avg_width AS width, s.n_distinct::float8 AS n_distinct,
       COALESCE(e.least::text, e.first) AS lowest, COALESCE(e.most::text, e.last) AS highest,
       CASE WHEN c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND NOT c.relrowsecurity
              AND m.amname = 'heap' AND current_setting('server_version_num')::int >= 140000
              AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
            THEN c.relpages END AS pages,
       current_setting('block_size')::int AS page_bytes,
       CASE WHEN getdatabaseencoding() = 'UTF8' AND current_setting('enable_tidscan') = 'on'
              AND COALESCE(l.relpages, 0) = 0
              AND COALESCE(pg_catalog.pg_stat_get_live_tuples(l.oid), 0) = 0
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute g WHERE g.attrelid = c.oid
                              AND pg_catalog.to_jsonb(g) ->> 'attgenerated' = 'v')
            THEN c.reltoastrelid::bigint END AS long_values,
       COALESCE(y.typtype = 'b', FALSE) AS own,
       COALESCE(a.attstorage = 'p' OR a.atttypmod BETWEEN 1 AND 104
                AND a.atttypid IN ('bpchar'::regtype, 'varchar'::regtype), FALSE) AS short
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_class l ON l.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_stats s
  ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.inherited = (c.relkind = 'p')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
LEFT JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
LEFT JOIN LATERAL (
  SELECT a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
                        'float4'::regtype, 'float8'::regtype) AS number,
         a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) AS moment
) k ON true
LEFT JOIN LATERAL (
  SELECT min(CASE WHEN k.number THEN v::numeric END) AS least,
         max(CASE WHEN k.number THEN v::numeric END) AS most,
         min(CASE WHEN k.moment THEN v END) AS first, max(CASE WHEN k.moment THEN v END) AS last
  FROM unnest(CASE WHEN k.number OR k.moment
              THEN s.most_common_vals::text::text[] || s.histogram_bounds::text::text[] END) AS v
  WHERE v NOT IN ('NaN', 'Infinity', '-Infinity', 'infinity', '-infinity')
) e ON true
WHERE n.nspname = $1::text AND c.relname = $2::text
  AND c.relkind IN ('r', 'p', 'm', 'f')
"""


class PostgresStatistics:
    """Statistics by table, each asked for again after some minutes.

    Attributes:
        long: tables with integers beyond the ends that are known, which are those of a sample;
            added to by whoever finds one, until all is forgotten.
    """

    def __init__(self, pool: Pool) -> None:
        self.long: set[TableName] = set()
        self._pool = pool
        self._lock = threading.Lock()
        self._known: dict[Table, tuple[float, Statistics]] = {}
        self._extents: dict[TableName, Extent] = {}

    def of(self, table: Table) -> Statistics:
        """What is known of a table; what was known, or nothing, when the server has no time."""
        now = time.monotonic()
        with self._lock:
            until, known = self._known.get(table, (0.0, Statistics()))
        if now < until:
            return known
        try:
            rows = self._pool.rows(
                _STATISTICS, (table.name.schema, table.name.name), wait_seconds=_PATIENCE_SECONDS
            )
        except CrosswindError:
            # A plan without numbers is better than none: a source that is down says so when asked
            # for rows.
            statistics, fresh_seconds = known, _RETRY_SECONDS
        else:
            statistics, fresh_seconds = _statistics(table, rows), _FRESH_SECONDS
            self._note_extent(table.name, rows)
        with self._lock:
            self._known[table] = (now + fresh_seconds, statistics)
        return statistics

    def extent(self, name: TableName) -> Extent | None:
        """How large a table was when it was last asked for, if it can be read in pieces; no I/O."""
        with self._lock:
            return self._extents.get(name)

    def _note_extent(self, name: TableName, rows: list[dict[str, object]]) -> None:
        pages = rows[0]["pages"] if rows else None
        with self._lock:
            if isinstance(pages, int):
                self._extents[name] = _extent(pages, rows)
            else:
                self._extents.pop(name, None)

    def refresh(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known = {}
            self._extents = {}
            self.long.clear()


def _extent(pages: int, found: list[dict[str, object]]) -> Extent:
    narrow = (
        str(row["column_name"])
        for row in found
        if row["width"] is not None and cast(int, row["width"]) <= _NARROW_BYTES
    )
    own = (str(row["column_name"]) for row in found if row["own"])
    short = (str(row["column_name"]) for row in found if row["short"])
    return Extent(
        pages,
        cast(int, found[0]["page_bytes"]),
        frozenset(narrow),
        cast(float | None, found[0]["rows"]) or 0.0,
        frozenset(own),
        cast(int | None, found[0]["long_values"]),
        frozenset(short),
    )


def _statistics(table: Table, found: list[dict[str, object]]) -> Statistics:
    if not found or found[0]["rows"] is None:
        return Statistics()
    rows = cast(float, found[0]["rows"])
    types = {column.name: column.type for column in table.columns}
    columns = {
        str(row["column_name"]): _column(row, rows, types.get(str(row["column_name"])))
        for row in found
        if row["column_name"]
    }
    return Statistics(rows=rows, size_bytes=_size_bytes(table, rows, columns), columns=columns)


def _column(row: dict[str, object], rows: float, type_: pa.DataType | None) -> ColumnStatistics:
    distinct = cast(float, row["n_distinct"])
    width = cast(int, row["width"])
    return ColumnStatistics(
        # Zero is unknown; negative is a fraction of the rows, for columns that grow with them.
        distinct=None if distinct == 0 else distinct if distinct > 0 else -distinct * rows,
        null_fraction=cast(float, row["null_fraction"]),
        width_bytes=float(width + _VALUE_HEADER_BYTES),
        minimum=_bound(row["lowest"], type_),
        maximum=_bound(row["highest"], type_),
    )


def _bound(text: object, type_: pa.DataType | None) -> object | None:
    """An end of the known values, of its column's type; most values lie between the ends."""
    if not isinstance(text, str) or type_ is None:
        return None
    try:
        value: object = pa.scalar(text).cast(type_).as_py()
    except pa.ArrowInvalid:
        return None
    return None if value != value or value in (math.inf, -math.inf) else value


def _size_bytes(table: Table, rows: float, columns: dict[str, ColumnStatistics]) -> float | None:
    """Rows times average widths; None when a column's width is not known."""
    width = float(_ROW_HEADER_BYTES)
    for column in table.columns:
        known = columns.get(column.name)
        if known is None or known.width_bytes is None:
            return None if rows else 0.0
        present = 1.0 - (known.null_fraction or 0.0)
        width += _VALUE_HEADER_BYTES + present * (known.width_bytes - _VALUE_HEADER_BYTES)
    return rows * width
