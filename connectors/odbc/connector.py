"""The `odbc` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from connectors.apart import ApartBatches
from connectors.contract import Capabilities, Fragment, Statistics, TableName, TableScan
from connectors.errors import SourceSchemaChangedError, UnsupportedError
from connectors.files.wanted import filtered_columns
from connectors.kept_statistics import KeptStatistics
from connectors.odbc.catalog import OdbcTables
from connectors.odbc.database import Database
from connectors.odbc.endpoint import Endpoint
from connectors.odbc.narrowing import narrowed
from connectors.odbc.options import MYSQL, OdbcOptions
from connectors.odbc.reader import Asked, Statement
from connectors.odbc.statements import quoted, select
from connectors.odbc.statistics import said

_RELATIONS = frozenset({"read", "project", "fetch"})
_OF_MYSQL = _RELATIONS | {"filter"}
"""Filters, for what its types mean is known: see `connectors.odbc.narrowing`."""


class OdbcConnector:
    """A database behind an ODBC driver; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: OdbcOptions) -> None:
        self.name = name
        self._options = options
        self._endpoint = Endpoint(options)
        relations = _OF_MYSQL if options.dialect == MYSQL else _RELATIONS
        self._capabilities = Capabilities(None, relations, max_connections=options.max_connections)
        self._database = Database(name, self._endpoint, options)
        self._tables = OdbcTables(
            self._database,
            dialect=options.dialect,
            schemas=options.schemas,
            tables=options.tables,
            default_schema=options.schema_of_names,
        )
        self._statistics = KeptStatistics(self._tables, lambda found: said(self._database, found))

    def __repr__(self) -> str:
        return f"OdbcConnector(name={self.name!r}, endpoint={self._endpoint!r})"

    @property
    def capabilities(self) -> Capabilities:
        """Scans: columns by their names, and limits; filters of MySQL."""
        return self._capabilities

    @property
    def identity(self) -> str:
        """Driver, server and user, without a secret; comparable within this process."""
        return self._endpoint.identity

    def tables(self) -> OdbcTables:
        """The catalog of the database."""
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """What MySQL and MariaDB say; ODBC has no question for it that every driver answers."""
        if self._options.dialect != MYSQL:
            return Statistics()
        return self._statistics.of(table)

    def execute(self, fragment: Fragment, deadline: float | None) -> ApartBatches:
        """Accept one scan; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for SQL, and for a filter in a scan.
        """
        scan, schema = fragment.query, fragment.schema
        if not isinstance(scan, TableScan):
            raise UnsupportedError(f"source {self.name!r} runs table scans, not SQL")
        if scan.filter is not None and "filter" not in self._capabilities.relations:
            raise UnsupportedError(f"source {self.name!r} does not filter scans")
        return ApartBatches(
            Statement(self._database, lambda: self._asked(scan, schema), schema, self._options),
            self._database.turns,
            deadline=deadline,
            timeout_seconds=self._options.timeout_seconds,
            changed=self._forget,
        )

    def close(self) -> None:
        """Close what is idle now, and what is running as it ends."""
        self._database.close()

    def _forget(self) -> None:
        self._tables.refresh()
        self._statistics.refresh()

    def _asked(self, scan: TableScan, schema: pa.Schema) -> Asked:
        known = self._tables.known(scan.table)
        declared = pa.schema([]) if known is None else known.table.schema
        filtered = [] if scan.filter is None else filtered_columns(scan.filter, declared)
        columns = list(dict.fromkeys([*scan.columns, *filtered]))
        if known is None or not known.readings.keys() >= set(columns):
            raise SourceSchemaChangedError(
                f"table {str(scan.table)!r} is not any more what was planned", source=self.name
            )
        read = [known.readings[column] for column in columns]
        made = [reading.sql(quoted(column)) for reading, column in zip(read, columns, strict=True)]
        path = known.table.path or (scan.table.schema, scan.table.name)
        # Where there is a filter, what arrives may be more than what it keeps.
        limit = scan.limit if scan.filter is None else None
        condition = None if scan.filter is None else narrowed(scan.filter, known.table.columns)
        return Asked(
            select(self._options.dialect, path, made, limit, condition),
            pa.schema([(str(number), r.travels) for number, r in enumerate(read)]),
            pa.schema([*schema, *(declared.field(column) for column in columns[len(schema) :])]),
            scan.filter,
            scan.limit,
        )


def create(name: str, options: Mapping[str, object]) -> OdbcConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `OdbcOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return OdbcConnector(name, OdbcOptions.model_validate(dict(options)))
