"""The tables behind an ODBC driver: names in one question, columns on demand, kept for a while.

Owns the questions, and how each column is read. Must not know how a table is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import Table, TableName
from connectors.errors import SourceRejectedError, SourceSchemaChangedError
from connectors.looked_up import LookedUp
from connectors.odbc import mysql, readings
from connectors.odbc.database import Database, Row
from connectors.odbc.options import MYSQL
from connectors.odbc.readings import Reading
from connectors.odbc.statements import without_rows

_NAMES = """
SELECT table_schema AS "schema", table_name AS "name", table_type AS "kind"
FROM information_schema.tables
"""

# In MySQL double quotes are texts, and a system table may have texts of four gigabytes.
_MYSQL_NAMES = """
SELECT CAST(table_schema AS CHAR(64)) AS `schema`, CAST(table_name AS CHAR(64)) AS `name`,
       CAST(table_type AS CHAR(64)) AS `kind`
FROM information_schema.tables
WHERE table_schema NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
"""

_MYSQL_COLUMNS = """
SELECT CAST(c.column_name AS CHAR(64)) AS `name`, CAST(c.column_type AS CHAR(8000)) AS `declared`,
       CAST(c.is_nullable AS CHAR(3)) AS `nullable`, CAST(t.table_type AS CHAR(64)) AS `kind`
FROM information_schema.columns AS c
JOIN information_schema.tables AS t
  ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = ? AND c.table_name = ?
ORDER BY c.ordinal_position
"""

_SYSTEM = frozenset({"information_schema", "pg_catalog", "sys", "performance_schema"})

_LONGEST = 60
"""The members of an enumeration may be thousands."""


@dataclass(frozen=True, slots=True)
class Known:
    """A table, and how each of its columns is read, by its name."""

    table: Table
    readings: dict[str, Reading]


class OdbcTables:
    """`connectors.contract.Tables` of one source.

    Args:
        database: where connections come from.
        dialect: of its SQL.
        schemas: the only schemas to see; None for all.
        tables: what there is, where the database cannot say; else None.
        default_schema: the schema of names that give none.
    """

    def __init__(
        self,
        database: Database,
        *,
        dialect: str,
        schemas: tuple[str, ...] | None,
        tables: tuple[str, ...] | None,
        default_schema: str,
    ) -> None:
        self._database = database
        self._dialect = dialect
        self._schemas = schemas
        self._given = None if tables is None else {_given(name): name for name in tables}
        self._default_schema = default_schema
        self._looked_up: LookedUp[dict[TableName, str], Known] = LookedUp()

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return self._default_schema

    def names(self) -> Sequence[TableName]:
        """Every table outside the system schemas, sorted."""
        return sorted(self._all())

    def kinds(self) -> Mapping[TableName, str]:
        """Of what kind each of them is, as the database lists them."""
        return {name: _kind(said) for name, said in self._all().items()}

    def find(self, name: TableName) -> Table | None:
        """One table with its columns. A missing one is asked for again after a few seconds."""
        known = self.known(name)
        return None if known is None else known.table

    def known(self, name: TableName) -> Known | None:
        """The same, with how each column is read."""
        return self._looked_up.find(name, lambda: self._look_up(name))

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the database."""
        self._looked_up.refresh()

    def _look_up(self, name: TableName) -> Known | None:
        if not self._seen(name.schema):
            return None
        if self._dialect == MYSQL:
            rows = self._database.rows(_MYSQL_COLUMNS, (name.schema, name.name))
            # Its comparison of names is that of the server's file system, or of no case.
            return _of_mysql(name, rows) if rows and name in self._all() else None
        if (kind := self._all().get(name)) is None:
            return None
        given = None if self._given is None else self._given[name]
        path = tuple(given.split(".")) if given else tuple(filter(None, (name.schema, name.name)))
        try:
            schema = self._database.schema(without_rows(self._dialect, path))
        except SourceSchemaChangedError:
            return None
        read = {field.name: readings.reading_of(field.type) for field in schema}
        columns = tuple(
            readings.column(
                field.name, read[field.name], nullable=True, native_type=str(field.type)
            )
            for field in schema
        )
        return Known(Table(name, columns, _kind(kind), path), read)

    def _all(self) -> dict[TableName, str]:
        """The tables with their kinds."""
        if self._given is not None:
            return dict.fromkeys(self._given, "TABLE")
        return self._looked_up.listing(self._ask)

    def _ask(self) -> dict[TableName, str]:
        try:
            rows = self._database.rows(_MYSQL_NAMES if self._dialect == MYSQL else _NAMES)
        except SourceSchemaChangedError:
            raise SourceRejectedError(
                "the database has no information_schema, which lists its tables",
                source=self._database.source,
                hint="Name them in `tables`.",
            ) from None
        found = (tuple(str(value) for value in row.values()) for row in rows)
        return {TableName(s, n): kind for s, n, kind in found if self._seen(s)}

    def _seen(self, schema: str) -> bool:
        if self._schemas is not None:
            return schema in self._schemas
        return schema.lower() not in _SYSTEM


def _of_mysql(name: TableName, rows: Sequence[Row]) -> Known:
    read, columns = {}, []
    for row in rows:
        declared, column = str(row["declared"]), str(row["name"])
        reading = read[column] = mysql.reading_of(declared)
        # A date that is none is NULL here, whatever the column was declared.
        never_null = row["nullable"] == "NO" and row["kind"] == "BASE TABLE"
        columns.append(
            readings.column(
                column,
                reading,
                nullable=not never_null or not mysql.keeps_nulls_out(declared),
                native_type=declared if len(declared) <= _LONGEST else f"{declared[:_LONGEST]}…",
            )
        )
    return Known(Table(name, tuple(columns), _kind(str(rows[0]["kind"]))), read)


def _given(name: str) -> TableName:
    schema, _, table = name.rpartition(".")
    return TableName(schema, table)


def _kind(said: str) -> str:
    return "VIEW" if "VIEW" in said.upper() else "TABLE"
