"""The tables of a DuckDB file: names in one query, columns on demand, kept while the file is.

Owns the catalog queries and their cache. Must not know how a table is read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from connectors.adbc.duckdb.database import Database, Version
from connectors.adbc.duckdb.types import COLLATED, arrow_type, lost, native_type
from connectors.contract import Column, Table, TableName

_NAMES = """
SELECT schema_name AS schema, table_name AS name, 'TABLE' AS kind FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal AND NOT temporary
UNION ALL
SELECT schema_name, view_name, 'VIEW' FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal AND NOT temporary
"""

# $1: schema, $2: name. A view's columns are never known to be without NULLs.
_COLUMNS = """
SELECT c.column_name AS name, c.data_type AS type, v.view_name IS NOT NULL AS view,
       c.is_nullable OR v.view_name IS NOT NULL AS nullable
FROM duckdb_columns() c
LEFT JOIN duckdb_views() v
  ON v.database_name = c.database_name AND v.schema_name = c.schema_name
  AND v.view_name = c.table_name
WHERE c.database_name = current_database() AND NOT c.internal
  AND c.schema_name = $1 AND c.table_name = $2
ORDER BY c.column_index
"""

# No catalog says which columns have a collation, and views pass them on.
_COLLATED = """
SELECT EXISTS (
  SELECT 1 FROM duckdb_tables() WHERE NOT internal AND contains(upper(sql), 'COLLATE')
  UNION ALL
  SELECT 1 FROM duckdb_views() WHERE NOT internal AND contains(upper(sql), 'COLLATE')) AS collated
"""


class DuckdbTables:
    """Tables and views outside the system schemas."""

    def __init__(self, database: Database, *, default_schema: str) -> None:
        self._database = database
        self._default_schema = default_schema
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._kinds: dict[TableName, str] | None = None
        self._found: dict[TableName, Table] = {}
        self._collated: bool | None = None

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return self._default_schema

    def names(self) -> Sequence[TableName]:
        """Every table and view, sorted."""
        return tuple(self.kinds())

    def kinds(self) -> Mapping[TableName, str]:
        """Of what kind each of them is, in the order of their names."""
        with self._lock:
            self._forget_old()
            if self._kinds is None:
                rows = self._database.rows(_NAMES)
                found = (tuple(map(str, (r["schema"], r["name"], r["kind"]))) for r in rows)
                self._kinds = {TableName(s, name): kind for s, name, kind in sorted(found)}
            return self._kinds

    def find(self, name: TableName) -> Table | None:
        """One table with its columns; a missing one is asked for each time, at little cost."""
        with self._lock:
            self._forget_old()
            if name in self._found:
                return self._found[name]
            rows = self._database.rows(_COLUMNS, (name.schema, name.name))
            if not rows:
                return None
            if self._collated is None:
                self._collated = bool(self._database.rows(_COLLATED)[0]["collated"])
            columns = tuple(_column(row, collated=self._collated) for row in rows)
            table = Table(name, columns, "VIEW" if rows[0]["view"] else "TABLE")
            self._found[name] = table
            return table

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the file."""
        with self._lock:
            self._version = None

    def _forget_old(self) -> None:
        """The file cannot change while it is open here, but another can take its place."""
        version = self._database.version()
        if version != self._version:
            self._version, self._kinds, self._collated = version, None, None
            self._found = {}


def _column(row: dict[str, object], *, collated: bool) -> Column:
    declared = str(row["type"])
    return Column(
        name=str(row["name"]),
        type=arrow_type(declared),
        nullable=bool(row["nullable"]),
        native_type=native_type(declared),
        lost=lost(declared),
        traits=frozenset({COLLATED}) if collated and declared == "VARCHAR" else frozenset(),
    )
