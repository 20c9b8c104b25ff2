"""What a driver is asked for a catalog: by ADBC's own calls, and by a statement where it has none.

Owns the questions, and reads their answers. Must not know what is kept of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.any.failures import cannot
from connectors.adbc.any.statements import Path, select, without_rows


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A table as the driver lists it; what it has no name for is empty."""

    catalog: str
    schema: str
    name: str
    kind: str = "TABLE"

    @property
    def path(self) -> Path:
        return tuple(part for part in (self.catalog, self.schema, self.name) if part)


def current_catalog(connection: adbc.AdbcConnection) -> str:
    """The catalog that names are looked up in; empty where the driver does not say."""
    try:
        return connection.get_option(adbc.ConnectionOptions.CURRENT_CATALOG.value) or ""
    except adbc.Error:
        return ""


def entries(
    connection: adbc.AdbcConnection, catalog: str | None, name: str | None = None
) -> tuple[Entry, ...] | None:
    """The tables of these names, taken as patterns, and others; None where it cannot list them."""
    try:
        handle = connection.get_objects(
            adbc.GetObjectsDepth.TABLES, catalog=catalog, table_name=name
        )
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            rows: list[dict[str, Any]] = reader.read_all().to_pylist()
    except adbc.Error as error:
        if cannot(error):
            return None
        raise
    return tuple(
        Entry(
            row["catalog_name"] or "",
            inner["db_schema_name"] or "",
            table["table_name"],
            _kind(table["table_type"] or ""),
        )
        for row in rows
        for inner in row["catalog_db_schemas"] or ()
        for table in inner["db_schema_tables"] or ()
    )


def columns(connection: adbc.AdbcConnection, dialect: str, entry: Entry) -> pa.Schema:
    """The columns of a table, as a statement over it would give them.

    That statement's own schema comes first: what a driver says of a table is not always what it
    sends, and may be of another table whose name its patterns match.
    """
    try:
        return _of_statement(connection, select(dialect, entry.path))
    except adbc.Error as error:
        if not cannot(error):
            raise
    if not set("_%\\") & set(entry.schema + entry.name):
        try:
            handle = connection.get_table_schema(
                entry.catalog or None, entry.schema or None, entry.name
            )
            return pa.Schema._import_from_c(handle.address)
        except adbc.Error as error:
            if not cannot(error):
                raise
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(without_rows(dialect, entry.path))
        stream, _ = statement.execute_query()
        with AdbcRecordBatchReader._import_from_c(stream.address) as reader:
            return reader.schema


def _of_statement(connection: adbc.AdbcConnection, sql: str) -> pa.Schema:
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(sql)
        handle = statement.execute_schema()
        return pa.Schema._import_from_c(handle.address)


def _kind(said: str) -> str:
    """Flight SQL's word for a kind of table; drivers have their own.

    >>> _kind("BASE TABLE"), _kind("view"), _kind("materialized_view"), _kind("r")
    ('TABLE', 'VIEW', 'VIEW', 'TABLE')
    """
    return "VIEW" if "view" in said.lower() or said == "v" else "TABLE"
