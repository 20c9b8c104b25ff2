"""The `adbc` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from connectors.adbc.any.catalog import AdbcTables
from connectors.adbc.any.database import Database
from connectors.adbc.any.endpoint import Endpoint
from connectors.adbc.any.options import DATAFUSION, NO_DIALECT, AdbcOptions
from connectors.adbc.any.reader import Statement
from connectors.adbc.any.statements import select
from connectors.adbc.any.statistics import said
from connectors.apart import ApartBatches
from connectors.contract import Capabilities, Fragment, Statistics, TableName, TableScan
from connectors.errors import SourceSchemaChangedError, UnsupportedError
from connectors.kept_statistics import KeptStatistics

_RELATIONS = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union"}
)
_OF_A_SCAN = frozenset({"read", "project"})

_BY_ARROW_TYPE = frozenset({DATAFUSION, "mysql", "snowflake", "bigquery", "spark", "tsql"})
"""The planner's dialects whose rules need no more of a column than its Arrow type.

Those of PostgreSQL, SQLite and DuckDB go by the type that the database itself calls it, which no
driver tells: their own connectors ask for it.
"""


class AdbcConnector:
    """A database behind an ADBC driver; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: AdbcOptions) -> None:
        self.name = name
        self._options = options
        self._endpoint = Endpoint(options)
        self._database = Database(
            name,
            self._endpoint,
            options.driver,
            options.entrypoint,
            max_connections=options.max_connections,
            wait_seconds=options.wait_seconds,
        )
        self._tables = AdbcTables(
            self._database,
            dialect=options.dialect,
            catalog=options.catalog,
            schemas=options.schemas,
            tables=options.tables,
            default_schema=options.default_schema,
        )
        self._statistics = KeptStatistics(self._tables, lambda found: said(self._database, found))
        self._capabilities = _capabilities(options)

    def __repr__(self) -> str:
        return f"AdbcConnector(name={self.name!r}, driver={self._options.driver!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What the dialect's rules allow; without one, columns by their names."""
        return self._capabilities

    @property
    def identity(self) -> str:
        """Driver and options, without a secret; comparable within this process."""
        return self._endpoint.identity

    def tables(self) -> AdbcTables:
        """The catalog, as the driver lists it."""
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """What the driver says; nothing, when it cannot, as most."""
        return self._statistics.of(table)

    def execute(self, fragment: Fragment, deadline: float | None) -> ApartBatches:
        """Accept one statement or one scan; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for a scan where SQL goes, for SQL where it does not, and for a
                filter or a limit in a scan that cannot have one.
        """
        query, schema = fragment.query, fragment.schema
        scans = self._capabilities.dialect is None
        if isinstance(query, TableScan):
            if not scans:
                raise UnsupportedError(f"source {self.name!r} runs SQL, not table scans")
            if query.filter is not None:
                raise UnsupportedError(f"source {self.name!r} does not filter scans")
            if query.limit is not None and "fetch" not in self._capabilities.relations:
                raise UnsupportedError(f"source {self.name!r} does not limit scans")
            scan = query
            return self._batches(lambda: self._select(scan), schema, deadline)
        if scans:
            raise UnsupportedError(f"source {self.name!r} runs table scans, not SQL")
        text = query.text
        return self._batches(lambda: text, schema, deadline)

    def close(self) -> None:
        """Close what is idle now, and what is running as it ends."""
        self._database.close()

    def _batches(
        self, statement: Callable[[], str], schema: pa.Schema, deadline: float | None
    ) -> ApartBatches:
        return ApartBatches(
            Statement(self._database, statement, schema),
            self._database.turns,
            deadline=deadline,
            timeout_seconds=self._options.timeout_seconds,
            changed=self._forget,
        )

    def _forget(self) -> None:
        self._tables.refresh()
        self._statistics.refresh()

    def _select(self, scan: TableScan) -> str:
        found = self._tables.find(scan.table)
        if found is None:
            raise SourceSchemaChangedError(
                f"table {str(scan.table)!r} does not exist any more", source=self.name
            )
        return select(self._options.dialect, found.path, scan.columns, scan.limit)


def _capabilities(options: AdbcOptions) -> Capabilities:
    connections = options.max_connections
    if options.dialect in _BY_ARROW_TYPE:
        return Capabilities(options.dialect, _RELATIONS, max_connections=connections)
    # How a limit is written differs too much to try.
    limited = frozenset() if options.dialect == NO_DIALECT else frozenset({"fetch"})
    return Capabilities(None, _OF_A_SCAN | limited, max_connections=connections)


def create(name: str, options: Mapping[str, object]) -> AdbcConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `AdbcOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return AdbcConnector(name, AdbcOptions.model_validate(dict(options)))
