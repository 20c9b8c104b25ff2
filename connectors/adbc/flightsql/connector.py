"""The `flightsql` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.adbc.flightsql.catalog import FlightsqlTables
from connectors.adbc.flightsql.endpoint import Endpoint
from connectors.adbc.flightsql.options import FlightsqlOptions
from connectors.adbc.flightsql.pinging import timed
from connectors.adbc.flightsql.product import first_column
from connectors.adbc.flightsql.reader import QueryBatches
from connectors.adbc.flightsql.server import Server
from connectors.adbc.flightsql.statements import explained, select
from connectors.adbc.flightsql.statistics import expected
from connectors.contract import (
    Capabilities,
    Compression,
    Fragment,
    Ping,
    SqlQuery,
    Statistics,
    TableName,
    TableScan,
)
from connectors.errors import SourceSchemaChangedError, UnsupportedError
from connectors.kept_statistics import KeptStatistics

_RELATIONS = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union"}
)
_OF_A_SCAN = frozenset({"read", "project", "fetch"})

_ROW_SECONDS = 2e-8
"""Most servers of this kind are engines over columns."""

_COMPRESSIONS: Mapping[str, tuple[Compression | None, ...]] = {
    "auto": (None, "lz4", "zstd"),
    "none": (None,),
    "lz4": ("lz4",),
    "zstd": ("zstd",),
}


class FlightsqlConnector:
    """A Flight SQL server as a source; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: FlightsqlOptions) -> None:
        self.name = name
        self._options = options
        self._endpoint = Endpoint(name, options)
        self._server = Server(name, self._endpoint, wait_seconds=options.wait_seconds)
        self._tables = FlightsqlTables(
            self._server,
            catalog=options.catalog,
            schemas=options.schemas,
            tables=options.tables,
            default_schema=options.default_schema,
        )
        self._statistics = KeptStatistics(self._tables, lambda found: expected(self._server, found))

    def __repr__(self) -> str:
        return f"FlightsqlConnector(name={self.name!r}, endpoint={self._endpoint!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What the server runs: a scan, and all of it where it runs the engine's own SQL.

        Where `dialect` is `auto` that is known once the server was asked for a table, which comes
        before any plan for one.
        """
        options, product = self._options, self._server.product
        sql = options.dialect == "datafusion" or (options.dialect == "auto" and product.same_engine)
        return Capabilities(
            "datafusion" if sql else None,
            _RELATIONS if sql else _OF_A_SCAN,
            max_connections=options.max_connections,
            compressions=_COMPRESSIONS[options.compression if product.crosswind else "none"],
            row_seconds=_ROW_SECONDS,
        )

    @property
    def identity(self) -> str:
        """Server and user, without a secret; comparable within this process."""
        return self._endpoint.identity

    def tables(self) -> FlightsqlTables:
        """The catalog of the server."""
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """What a Crosswind expects of the table; Flight SQL itself has no such question."""
        if not self._server.product.crosswind:
            return Statistics()
        return self._statistics.of(table)

    def execute(self, fragment: Fragment, deadline: float | None) -> QueryBatches:
        """Accept one statement or one scan; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for a scan where SQL goes, for SQL where it does not, and for a
                filter in a scan.
        """
        query = fragment.query
        scans = self.capabilities.dialect is None
        if isinstance(query, TableScan):
            if not scans:
                raise UnsupportedError(f"source {self.name!r} runs SQL, not table scans")
            if query.filter is not None:
                raise UnsupportedError(f"source {self.name!r} does not filter scans")
            scan = query
            return self._batches(lambda: self._select(scan), fragment, deadline)
        if scans:
            raise UnsupportedError(f"source {self.name!r} runs table scans, not SQL")
        text = query.text
        return self._batches(lambda: text, fragment, deadline)

    def explain(self, fragment: Fragment, as_json: bool) -> str:
        """The plan of another Crosswind; other servers' have no form that is known here."""
        if not self._server.product.crosswind:
            return ""
        query = fragment.query
        sql = explained(query.text if isinstance(query, SqlQuery) else self._select(query), as_json)
        return "\n".join(self._server.ask(lambda connection: first_column(connection, sql)))

    def ping(self, answer_bytes: int = 0) -> Ping | None:
        """See `connectors.contract.Pings`: its table types, or a text that its engine makes."""
        if answer_bytes and not self._server.product.same_engine:
            return None
        return self._server.ask(lambda connection: timed(connection, answer_bytes))

    def close(self) -> None:
        """End idle connections now, and those of running queries as these end."""
        self._server.close()

    def _batches(
        self, statement: Callable[[], str], fragment: Fragment, deadline: float | None
    ) -> QueryBatches:
        return QueryBatches(
            self._server,
            statement,
            fragment.schema,
            compression=fragment.compression,
            deadline=deadline,
            timeout_seconds=self._options.timeout_seconds,
            changed=self._forget,
        )

    def _select(self, scan: TableScan) -> str:
        found = self._tables.find(scan.table)
        if found is None:
            raise SourceSchemaChangedError(
                f"table {str(scan.table)!r} does not exist any more", source=self.name
            )
        return select(found.path, scan.columns, scan.limit)

    def _forget(self) -> None:
        self._tables.refresh()
        self._statistics.refresh()


def create(name: str, options: Mapping[str, object]) -> FlightsqlConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `FlightsqlOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return FlightsqlConnector(name, FlightsqlOptions.model_validate(dict(options)))
