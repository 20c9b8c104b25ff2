"""The tables of a Flight SQL server: names in one question, columns on demand, both cached.

Owns the questions, and how a table of a server with many catalogs is named here. Must not know how
a table is read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.flightsql.server import Server
from connectors.adbc.flightsql.statements import Path, select
from connectors.adbc.types import lost, plain
from connectors.contract import Column, Table, TableName
from connectors.errors import SourceRejectedError, SourceSchemaChangedError
from connectors.looked_up import LookedUp

_SYSTEM = frozenset({"information_schema", "pg_catalog"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """A table as the server lists it; what it has no name for is empty."""

    catalog: str
    schema: str
    name: str
    kind: str = "TABLE"

    @property
    def path(self) -> Path:
        return tuple(part for part in (self.catalog, self.schema, self.name) if part)


class FlightsqlTables:
    """`connectors.contract.Tables` of one server.

    Where it has several catalogs, and none was chosen, a schema here is `CATALOG.SCHEMA`; the
    catalog's name alone means its only schema that has the table. A schema without a name, which
    is the default one, means the only schema of all.

    Args:
        server: where connections come from.
        catalog: the only catalog to see; None for all.
        schemas: the only schemas to see; None for all.
        tables: what there is, `TABLE` or `SCHEMA.TABLE`, where the server cannot say; else None.
        default_schema: the schema of names that give none.
    """

    def __init__(
        self,
        server: Server,
        *,
        catalog: str | None,
        schemas: tuple[str, ...] | None,
        tables: tuple[str, ...] | None,
        default_schema: str,
    ) -> None:
        self._server = server
        self._catalog = catalog
        self._schemas = schemas
        self._given = None if tables is None else tuple(map(_entry, tables))
        self._default_schema = default_schema
        self._lock = threading.Lock()
        self._generation = 0
        self._catalogs: tuple[str, ...] | None = None
        self._known: LookedUp[tuple[_Entry, ...], Table] = LookedUp()

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return self._default_schema

    def names(self) -> Sequence[TableName]:
        """Every table outside the system schemas, sorted.

        Raises:
            SourceRejectedError: the server cannot list them, and `tables` does not either.
        """
        return sorted(self.kinds())

    def kinds(self) -> Mapping[TableName, str]:
        """What the server says of each table, as it lists them."""
        entries = self._given or self._known.listing(self._ask_all)
        return {self._shown(entry): entry.kind for entry in entries}

    def find(self, name: TableName) -> Table | None:
        """One table with its columns. A missing one is asked for again after a few seconds."""
        return self._known.find(name, lambda: self._look_up(name), lambda table: table.name)

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the server."""
        with self._lock:
            self._generation += 1
            self._catalogs = None
        self._known.refresh()

    def _look_up(self, name: TableName) -> Table | None:
        entry = self._entry(name)
        if entry is None:
            return None
        try:
            schema = self._server.ask(lambda connection: _schema(connection, entry))
        except SourceSchemaChangedError:
            return None
        return Table(self._shown(entry), tuple(map(_column, schema)), entry.kind, entry.path)

    def _entry(self, name: TableName) -> _Entry | None:
        """The one table that a name means, or may mean, if there is exactly one."""
        where = self._where(name.schema)
        if where is None:
            return None
        catalog, schema = where
        guessed = _Entry(catalog or "", schema or "", name.name)
        entries = self._given or self._known.last_listing
        if entries is None:
            if catalog and schema and self._server.product.crosswind:
                # It takes a name for what it is, so that one question will do instead of four.
                return guessed if self._seen(guessed) else None
            entries = self._ask(schema, name.name)
        matching = [
            entry
            for entry in entries or ()
            if entry.name == name.name
            and catalog in (None, entry.catalog)
            and schema in (None, entry.schema)
        ]
        if matching:
            return matching[0] if len(matching) == 1 else None
        # In a list a server leaves out what it cannot look at. Asked for this, it says why.
        unlisted = entries is None or (schema is not None and self._given is None)
        return guessed if unlisted and self._seen(guessed) else None

    def _where(self, shown: str) -> tuple[str | None, str | None] | None:
        """Catalog and schema of a schema's name here, None for any; None when there is none."""
        catalogs = self._asked_catalogs()
        if len(catalogs) < 2:
            return next(filter(None, catalogs), None), shown or None
        if not shown:
            return None, None
        # A catalog's name may begin with another one's and a dot.
        for catalog in sorted(catalogs, key=len, reverse=True):
            if shown == catalog:
                return catalog, None
            if shown.startswith(f"{catalog}."):
                return catalog, shown[len(catalog) + 1 :]
        return None

    def _shown(self, entry: _Entry) -> TableName:
        if len(self._asked_catalogs()) < 2:
            return TableName(entry.schema, entry.name)
        schema = f"{entry.catalog}.{entry.schema}" if entry.schema else entry.catalog
        return TableName(schema, entry.name)

    def _asked_catalogs(self) -> tuple[str, ...]:
        """The catalogs that there are, or the chosen one; none where tables are not asked for."""
        if self._given is not None:
            return ()
        if self._catalog is not None:
            return (self._catalog,)
        with self._lock:
            known, generation = self._catalogs, self._generation
        if known is None:
            known = self._server.ask(_catalogs)
            with self._lock:
                if generation == self._generation:
                    self._catalogs = known
        return known

    def _ask_all(self) -> tuple[_Entry, ...]:
        entries = self._ask(None, None)
        if entries is None:
            raise SourceRejectedError(
                "the server cannot list its tables in a form that the driver reads",
                source=self._server.source,
                hint="Name them in `tables`.",
            )
        # Of those that were found before it was not known whether they are views.
        self._known.forget_tables()
        return entries

    def _ask(self, schema: str | None, name: str | None) -> tuple[_Entry, ...] | None:
        """The tables of these names, and those that their patterns match too; None for all.

        Returns None where the server cannot say.
        """
        found = self._server.ask(lambda c: _entries(c, self._catalog, schema, name))
        return None if found is None else tuple(filter(self._seen, found))

    def _seen(self, entry: _Entry) -> bool:
        """Whether it is to be seen here."""
        return (
            entry.schema not in _SYSTEM
            and self._catalog in (None, entry.catalog)
            and (self._schemas is None or entry.schema in self._schemas)
        )


def _entry(given: str) -> _Entry:
    schema, _, name = given.rpartition(".")
    return _Entry("", schema, name)


def _column(field: pa.Field) -> Column:
    return Column(
        field.name,
        plain(field.type),
        field.nullable,
        native_type=str(field.type),
        lost=lost(field.type),
    )


# --- the questions ---


def _catalogs(connection: adbc.AdbcConnection) -> tuple[str, ...]:
    handle = connection.get_objects(adbc.GetObjectsDepth.CATALOGS)
    return tuple(str(row["catalog_name"] or "") for row in _rows(handle))


def _entries(
    connection: adbc.AdbcConnection, catalog: str | None, schema: str | None, name: str | None
) -> tuple[_Entry, ...] | None:
    """The tables whose names fit these, taken as patterns; None where the server cannot say."""
    try:
        handle = connection.get_objects(
            adbc.GetObjectsDepth.TABLES, catalog=catalog, db_schema=schema, table_name=name
        )
        rows = _rows(handle)
    except adbc.Error as error:
        if _cannot(error):
            return None
        raise
    return tuple(
        _Entry(
            str(row["catalog_name"] or ""),
            str(inner["db_schema_name"] or ""),
            str(table["table_name"]),
            str(table["table_type"]),
        )
        for row in rows
        for inner in row["catalog_db_schemas"] or ()
        for table in inner["db_schema_tables"] or ()
    )


def _schema(connection: adbc.AdbcConnection, entry: _Entry) -> pa.Schema:
    """The columns of a table."""
    # Names are patterns here, and the driver takes the first table that fits: `axb` for `a_b`.
    if not set("_%\\") & set(entry.schema + entry.name):
        try:
            handle = connection.get_table_schema(
                entry.catalog or None, entry.schema or None, entry.name
            )
            return pa.Schema._import_from_c(handle.address)
        except adbc.Error as error:
            if not _cannot(error):
                raise
    with adbc.AdbcStatement(connection) as statement:
        try:
            statement.set_sql_query(select(entry.path))
            return _promised(statement)
        except adbc.Error as error:
            if not _cannot(error):
                raise
        statement.set_sql_query(select(entry.path, limit=0))
        stream, _ = statement.execute_query()
        with AdbcRecordBatchReader._import_from_c(stream.address) as reader:
            if len(found := reader.schema):
                return found
    # Some servers, as ROAPI, send no columns without rows: they say them of what is prepared.
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(select(entry.path))
        statement.prepare()
        return _promised(statement)


def _promised(statement: adbc.AdbcStatement) -> pa.Schema:
    handle = statement.execute_schema()  # It frees the schema, and so must live until it is taken.
    return pa.Schema._import_from_c(handle.address)


def _cannot(error: adbc.Error) -> bool:
    """Whether the server, or the driver with its answer, cannot do what it was asked."""
    if error.status_code is adbc.AdbcStatusCode.NOT_IMPLEMENTED:
        return True
    # The driver compares what may be NULL in metadata, too, and many servers differ there.
    return error.status_code is adbc.AdbcStatusCode.INTERNAL and "Invalid schema" in str(error)


def _rows(handle: adbc.ArrowArrayStreamHandle) -> list[dict[str, Any]]:
    with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
        rows: list[dict[str, Any]] = reader.read_all().to_pylist()
    return rows
